import { dataError, GzipHeader } from './gzip-header.js';
import type { Inflater } from './inflate/inflater.js';
import { openInflater } from './inflate/open-inflater.js';

/** CRC32 and ISIZE (RFC 1952 §2.3.1). */
const TRAILER = 8;

/**
 * Inflates all members of a gzip stream (RFC 1952) on this thread. The checksum of a member (CRC32), a tenth of the work, is left
 * out: this is for threads that do nothing else, and for content whose digest is known. Its size is checked.
 */
export class BlockingGunzip implements Disposable {
  readonly #inflater: Inflater;
  readonly #trailer = Buffer.alloc(TRAILER);
  /** Of the member at hand; `undefined` once zeros were found where a member could begin, which are padding. */
  #header: GzipHeader | undefined = new GzipHeader();
  /** Bytes that there are of the trailer; `undefined` within the data. */
  #ended: number | undefined;
  /** Bytes of the member's content, modulo 2^32. */
  #size = 0;

  constructor(inflater: Inflater) {
    this.#inflater = inflater;
  }

  /** @returns `undefined` on a Node that cannot: a stream does the same there, more slowly */
  static open(): BlockingGunzip | undefined {
    const inflater = openInflater();
    return inflater === undefined ? undefined : new BlockingGunzip(inflater);
  }

  /** Inflates a chunk. What comes is valid until the next is asked for, and all of it must be. @throws zlib's errors */
  *push(input: Uint8Array): Generator<Buffer, void, undefined> {
    for (let left = input; left.length > 0 && this.#header !== undefined;) {
      if (!this.#header.complete) left = left.subarray(this.#readHeader(left));
      else if (this.#ended === undefined) left = yield* this.#inflate(left);
      else left = left.subarray(this.#readTrailer(left));
    }
  }

  /** To be called after the last chunk. @throws `Z_BUF_ERROR` when the stream is cut off */
  finish(): void {
    if (this.#header === undefined || this.#header.untouched) return;
    throw Object.assign(new Error('unexpected end of file'), { code: 'Z_BUF_ERROR' });
  }

  [Symbol.dispose](): void {
    this.#inflater[Symbol.dispose]();
  }

  #readHeader(input: Uint8Array): number {
    if (this.#header?.untouched === true && input[0] === 0) this.#header = undefined;
    return this.#header?.push(input) ?? input.length;
  }

  /** @returns what is left of `input` after the data's end; nothing when it goes on */
  *#inflate(input: Uint8Array): Generator<Buffer, Uint8Array, undefined> {
    const inflating = this.#inflater.push(input);
    for (let next = inflating.next(); ; next = inflating.next()) {
      if (next.done !== true) {
        this.#size = (this.#size + next.value.length) >>> 0;
        yield next.value;
        continue;
      }
      if (next.value === undefined) return input.subarray(input.length);
      this.#ended = 0;
      return next.value;
    }
  }

  #readTrailer(input: Uint8Array): number {
    const at = this.#ended ?? 0;
    const bytes = input.subarray(0, TRAILER - at);
    this.#trailer.set(bytes, at);
    this.#ended = at + bytes.length;
    if (this.#ended === TRAILER) this.#endMember();
    return bytes.length;
  }

  #endMember(): void {
    if (this.#trailer.readUInt32LE(4) !== this.#size) throw dataError('incorrect length check');
    this.#header = new GzipHeader();
    this.#ended = undefined;
    this.#size = 0;
    this.#inflater.reset();
  }
}
