import { readFileSync } from 'node:fs';

/** Node 20's types leave it out. */
interface WebAssemblyNamespace {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

/**
 * Compiles a module of `assembly/`, which takes about a millisecond.
 * @returns what makes an instance, with memory of its own, and gives what it exports; `undefined` where the file is not there, or
 * cannot be compiled: WebAssembly is switched off (`--jitless`), or the processor has no vectors of 16 bytes
 */
export function compileWasm(file: string | URL): (() => unknown) | undefined {
  const { WebAssembly: api } = globalThis as { readonly WebAssembly?: WebAssemblyNamespace };
  if (api === undefined) return undefined;
  try {
    const module = new api.Module(readFileSync(file));
    return () => new api.Instance(module).exports;
  } catch {
    return undefined;
  }
}
