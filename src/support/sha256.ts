import { createHash, type Hash } from 'node:crypto';
import { join } from 'node:path';
import { compileWasm } from './wasm-module.js';

/** What `assembly/sha256/sha256.ts` exports; numbers are addresses and counts of bytes. */
interface Sha256Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  messageStart(): number;
  messageSize(): number;
  digest(size: number): number;
}

/** Hashes one message that is in memory whole. */
export interface SmallHasher {
  /** Bytes of the longest message. */
  readonly size: number;
  /** @returns the digest in lower-case hexadecimal digits; `undefined` for a message that is too long */
  hash(message: string | Uint8Array, encoding?: 'utf8' | 'latin1'): string | undefined;
}

/** @returns `undefined` where there is no module (`compileWasm`), or no room for its memory (`ulimit -v`) */
export function openSmallHasher(file: string): SmallHasher | undefined {
  const instance = compileWasm(file);
  if (instance === undefined) return undefined;
  try {
    return smallHasher(instance() as Sha256Exports);
  } catch {
    return undefined;
  }
}

function smallHasher(module: Sha256Exports): SmallHasher {
  const memory = Buffer.from(module.memory.buffer);
  const start = module.messageStart();
  const size = module.messageSize();
  const end = start + size;
  const put = (message: string | Uint8Array, encoding: 'utf8' | 'latin1'): number => {
    if (typeof message === 'string') return memory.write(message, start, size, encoding);
    memory.set(message, start);
    return message.length;
  };
  return {
    size,
    hash(message, encoding = 'utf8') {
      // A character has at most three bytes: half of a pair is one, and a pair has four.
      const bytes = typeof message === 'string' && encoding === 'utf8' ? message.length * 3 : message.length;
      if (start + bytes > end) return undefined;
      const digest = module.digest(put(message, encoding));
      return memory.toString('hex', digest, digest + 32);
    },
  };
}

/** `undefined` before the first use, `null` where there is none, or Node's is loaded anyhow. */
let small: SmallHasher | undefined | null;

/**
 * The SHA-256 of a message, in lower-case hexadecimal digits. `node:crypto` takes several milliseconds to load, as long as all that a
 * build which finds everything in its cache has to hash: that is done by a module of ours, until there is more.
 */
export function sha256(message: string | Uint8Array, encoding: 'utf8' | 'latin1' = 'utf8'): string {
  if (small === undefined) small = openSmallHasher(join(import.meta.dirname, 'sha256.wasm')) ?? null;
  const found = small?.hash(message, encoding);
  if (found !== undefined) return found;
  const hash = openSha256();
  return (typeof message === 'string' ? hash.update(message, encoding) : hash.update(message)).digest('hex');
}

/** For what comes in pieces, or is long. */
export function openSha256(): Hash {
  small = null;
  return createHash('sha256');
}
