import { compileWasm } from '../../../support/wasm-module.js';

/** What `assembly/inflate/inflate.ts` exports; numbers are addresses, counts of bytes and statuses. */
export interface InflateExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  inputStart(): number;
  inputSize(): number;
  inputTaken(): number;
  outputStart(): number;
  outputEnd(): number;
  reset(): void;
  inflate(from: number, to: number): number;
}

/** An instance of the module, with memory of its own (400 KB). */
export type InflateModule = () => InflateExports;

/** As of `compileWasm`. */
export function compileInflate(file: URL): InflateModule | undefined {
  return compileWasm(file) as InflateModule | undefined;
}
