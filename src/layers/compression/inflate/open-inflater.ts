import { compileInflate, type InflateModule } from './inflate-module.js';
import type { Inflater } from './inflater.js';
import { WasmInflater } from './wasm-inflater.js';
import { ZlibInflater } from './zlib-inflater.js';

/** Compiled at most once in a thread; `null` before that. */
let compiled: InflateModule | undefined | null = null;

/** The fastest there is. @returns `undefined` on a Node that has neither: a stream does the same there, more slowly */
export function openInflater(): Inflater | undefined {
  if (compiled === null) compiled = compileInflate(new URL('./inflate.wasm', import.meta.url));
  return compiled === undefined ? ZlibInflater.open() : new WasmInflater(compiled());
}
