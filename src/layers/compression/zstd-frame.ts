import { createRequire } from 'node:module';
import type * as ZstdModule from '@bokuweb/zstd-wasm';

/** Compresses one frame. What comes is the caller's own. */
export type CompressFrame = (content: Uint8Array, level: number) => Uint8Array;

let loaded: Promise<CompressFrame> | undefined;

/** zstd in WebAssembly: the same version, and so the same bytes, on every machine and Node. Loaded once. */
export async function loadZstd(): Promise<CompressFrame> {
  return await (loaded ??= load());
}

async function load(): Promise<CompressFrame> {
  const zstd = createRequire(import.meta.url)('@bokuweb/zstd-wasm') as typeof ZstdModule;
  await zstd.init();
  return (content, level) => zstd.compress(content, level);
}
