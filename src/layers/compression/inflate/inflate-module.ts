import { readFileSync } from 'node:fs';

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

/** Node 20's types leave it out. */
interface WebAssemblyNamespace {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

/** An instance of the module, with memory of its own (400 KB). */
export type InflateModule = () => InflateExports;

/**
 * Compiles the module, which takes about a millisecond.
 * @returns `undefined` where it is not there, or cannot be compiled: WebAssembly is switched off (`--jitless`), or the processor has
 * no vectors of 16 bytes
 */
export function compileInflate(file: URL): InflateModule | undefined {
  const { WebAssembly: api } = globalThis as { readonly WebAssembly?: WebAssemblyNamespace };
  if (api === undefined) return undefined;
  try {
    const module = new api.Module(readFileSync(file));
    return () => new api.Instance(module).exports as InflateExports;
  } catch {
    return undefined;
  }
}
