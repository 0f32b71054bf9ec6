import { invalidStream } from './invalid-stream.js';

/** Bits of some bytes, highest first. */
export class BitReader {
  readonly #bytes: Uint8Array;
  /** Whether more bytes would have come, had they been there: then to run out of them is damage. */
  readonly #isWhole: boolean;
  #at: number;
  #word = 0;
  #count = 0;

  constructor(bytes: Uint8Array, options: { readonly firstBit: number; readonly isWhole: boolean }) {
    this.#bytes = bytes;
    this.#isWhole = options.isWhole;
    this.#at = 0;
    this.bits(options.firstBit);
  }

  /** Bits read so far. */
  get position(): number {
    return this.#at * 8 - this.#count;
  }

  /** A number of up to 24 bits. @throws `LAYER_INVALID` when there are no more */
  bits(count: number): number {
    while (this.#count < count) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw invalidStream(`its bzip2 stream is ${this.#isWhole ? 'cut off' : 'damaged'}`);
      this.#word = ((this.#word << 8) | byte) >>> 0;
      this.#count += 8;
    }
    this.#count -= count;
    const value = this.#word >>> this.#count;
    this.#word &= (1 << this.#count) - 1;
    return value;
  }

  word(): number {
    return ((this.bits(16) << 16) | this.bits(16)) >>> 0;
  }
}
