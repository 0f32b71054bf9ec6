import { createRequire } from 'node:module';
import type * as ZstdModule from '@bokuweb/zstd-wasm';
import { gather } from '../../support/byte-streams.js';

/** Bytes of content in a frame. Larger ones save a few per mille, and hold the event loop for longer than the 30 ms that this takes. */
const FRAME = 2 << 20;
/** zstd's own default. */
const LEVEL = 3;

type Zstd = Pick<typeof ZstdModule, 'compress'>;

let loaded: Promise<Zstd> | undefined;

/**
 * A zstd stream (RFC 8878) of one frame after another, each of so many bytes, which every decoder reads as one. Frames are cut by
 * size alone and compressed by one version of zstd, in WebAssembly: equal input gives equal bytes, on every machine and Node.
 */
export async function* compressZstd(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const { compress } = await (loaded ??= load());
  let empty = true;
  for await (const content of gather(inShortChunks(source), FRAME)) {
    empty = false;
    yield compress(content, LEVEL);
  }
  if (empty) yield compress(Buffer.alloc(0), LEVEL);
}

async function load(): Promise<Zstd> {
  const zstd = createRequire(import.meta.url)('@bokuweb/zstd-wasm') as typeof ZstdModule;
  await zstd.init();
  return zstd;
}

/** `gather` lets long chunks pass as they are, and every frame but the last must have the one size. */
async function* inShortChunks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    for (let at = 0; at < chunk.byteLength; at += FRAME / 4) yield chunk.subarray(at, at + FRAME / 4);
  }
}
