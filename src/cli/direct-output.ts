import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { systemErrorCode } from '../support/errors.js';
import type { StreamToOpen } from './output-stream.js';

/** Where a standard stream can be written to without a stream of Node's. */
export interface DirectTarget {
  readonly descriptor: number;
  /** Bytes that may be written before a stream of Node's takes over. */
  readonly limit: number;
}

/**
 * Bytes that the kernel takes for a socket that nobody reads, with much to spare. Whether it has room cannot be asked, and a write that
 * waits hears no signal.
 */
const SOCKET_BYTES = 4096;

/** `/dev/null` and its like (devices.txt, "1 char"). */
const MEMORY_DEVICES = 1;

/** @returns `undefined` for a terminal, and whatever else is better left to Node */
export function directTarget(descriptor: number): DirectTarget | undefined {
  const stats = fstatSync(descriptor);
  if (stats.isFile() || (stats.isCharacterDevice() && stats.rdev >> 8 === MEMORY_DEVICES)) {
    return { descriptor, limit: Infinity };
  }
  if (stats.isSocket()) return { descriptor, limit: SOCKET_BYTES };
  return stats.isFIFO() ? openedAgain(descriptor) : undefined;
}

/** A pipe that does not wait when it is full, for nobody but us: to change the descriptor itself would change it for all who have it. */
function openedAgain(descriptor: number): DirectTarget | undefined {
  try {
    const opened = openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK);
    return { descriptor: opened, limit: Infinity };
  } catch {
    // It is another user's, or its reader has gone.
    return undefined;
  }
}

type WriteBytes = (descriptor: number, bytes: Uint8Array) => number;

/**
 * Writes to a file, a pipe or a socket at once, and leaves Node's streams unloaded, which would take longer than a build that finds all
 * in its cache. What a reader is not ready for, and all after it, goes through `open`'s stream.
 */
export class DirectOutput implements StreamToOpen {
  readonly #descriptor: number;
  readonly #open: () => Writable;
  readonly #writeBytes: WriteBytes;
  #left: number;
  #stream: Writable | undefined;

  constructor({ descriptor, limit }: DirectTarget, open: () => Writable, writeBytes: WriteBytes = writeSync) {
    this.#descriptor = descriptor;
    this.#left = limit;
    this.#open = open;
    this.#writeBytes = writeBytes;
  }

  write(text: string | Uint8Array, done: (error?: Error | null) => void = () => undefined): void {
    if (this.#stream !== undefined) {
      this.#stream.write(text, done);
      return;
    }
    let rest: Uint8Array;
    try {
      rest = this.#writeNow(typeof text === 'string' ? Buffer.from(text) : text);
    } catch (error) {
      later(() => {
        done(error instanceof Error ? error : new Error(String(error)));
      });
      return;
    }
    if (rest.length > 0) this.asWritable().write(rest, done);
    else later(done);
  }

  /** For who needs a stream: from now on all goes through it. */
  asWritable(): Writable {
    return (this.#stream ??= this.#open());
  }

  /** @returns what is left to write */
  #writeNow(bytes: Uint8Array): Uint8Array {
    let rest = bytes;
    while (rest.length > 0 && rest.length <= this.#left) {
      let written: number;
      try {
        written = this.#writeBytes(this.#descriptor, rest);
      } catch (error) {
        if (systemErrorCode(error) === 'EAGAIN') return rest;
        throw error;
      }
      this.#left -= written;
      rest = rest.subarray(written);
    }
    return rest;
  }
}

/** As queueMicrotask does, for which Node loads its asynchronous hooks. */
function later(call: () => void): void {
  void Promise.resolve().then(call);
}
