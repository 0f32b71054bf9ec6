import { constants, createGunzip, type Gunzip } from 'node:zlib';

/** Bytes: inflated and digested while they are in the processor's cache. */
const OUTPUT = 256 << 10;

/** What zlib's streams are made of in every Node since 11; public calls either wait for a thread or want the whole input. */
interface Internals {
  readonly _handle: {
    writeSync(...call: readonly [flush: number, ...Part, ...Part]): void;
    onerror: (message: string, errno: number, code: string) => void;
  };
  /** Left by `writeSync`: bytes of the output that were not used, and of the input. */
  readonly _writeState: Uint32Array;
}

type Part = [bytes: Uint8Array, offset: number, length: number];

/**
 * Inflates all members of a gzip stream (RFC 1952) on this thread, into one buffer that is used again and again: a fifth less work
 * than a stream makes of it, and 30 MB less memory. For threads that do nothing else.
 */
export class BlockingGunzip implements Disposable {
  readonly #stream: Gunzip;
  readonly #zlib: Internals;
  readonly #output = Buffer.allocUnsafeSlow(OUTPUT);
  #failure: Error | undefined;

  private constructor(stream: Gunzip, zlib: Internals) {
    this.#stream = stream;
    this.#zlib = zlib;
    zlib._handle.onerror = (message, _errno, code) => {
      this.#failure = Object.assign(new Error(message), { code });
    };
  }

  /** @returns `undefined` on a Node whose zlib is made otherwise: a stream does the same there, more slowly */
  static open(): BlockingGunzip | undefined {
    const stream = createGunzip();
    if (isKnown(stream)) return new BlockingGunzip(stream, stream);
    stream.destroy();
    return undefined;
  }

  /** Inflates a chunk. What comes is valid until the next is asked for, and all of it must be. @throws zlib's errors */
  *push(input: Uint8Array): Generator<Buffer, void, undefined> {
    yield* this.#inflate(input, constants.Z_NO_FLUSH);
  }

  /** To be called after the last chunk. @throws `Z_BUF_ERROR` when the stream is cut off */
  *finish(): Generator<Buffer, void, undefined> {
    yield* this.#inflate(Buffer.alloc(0), constants.Z_FINISH);
  }

  [Symbol.dispose](): void {
    this.#stream.destroy();
  }

  *#inflate(input: Uint8Array, flush: number): Generator<Buffer, void, undefined> {
    const { _handle: handle, _writeState: state } = this.#zlib;
    for (let left = input.byteLength; ;) {
      handle.writeSync(flush, input, input.byteLength - left, left, this.#output, 0, OUTPUT);
      if (this.#failure !== undefined) throw this.#failure;
      const [unused = 0, unread = 0] = state;
      if (unused < OUTPUT) yield this.#output.subarray(0, OUTPUT - unused);
      left = unread;
      // With room left it wants no more: what is unread then, after the last member, is padding.
      if (unused > 0) return;
    }
  }
}

function isKnown(stream: unknown): stream is Gunzip & Internals {
  const { _handle: handle, _writeState: state } = stream as Partial<Internals>;
  return typeof handle?.writeSync === 'function' && 'onerror' in handle && state instanceof Uint32Array;
}
