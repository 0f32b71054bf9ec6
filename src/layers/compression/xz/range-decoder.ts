import { invalidStream } from '../invalid-stream.js';

/** Bits of a probability; it starts at a half. */
const PROBABILITY_BITS = 11;
export const HALF: number = 1 << (PROBABILITY_BITS - 1);
const MOVE_BITS = 5;
const TOP = 2 ** 24;

/** The arithmetic decoder of LZMA: bits by adaptive probabilities, out of one chunk. */
export class RangeDecoder {
  #input: Uint8Array = new Uint8Array(0);
  #at = 0;
  #range = 0;
  #code = 0;

  /** @throws `LAYER_INVALID` */
  start(input: Uint8Array): void {
    // The first byte is always 0: the encoder's carry has nowhere to go.
    if (input.length < 5 || input[0] !== 0) throw invalidStream('its xz stream is damaged');
    this.#input = input;
    this.#range = 0xffffffff;
    this.#code = Buffer.from(input.buffer, input.byteOffset + 1, 4).readUInt32BE(0);
    this.#at = 5;
  }

  /** Whether the chunk was read to its last byte and no further, as a whole one is. */
  get isFinished(): boolean {
    this.#normalize();
    return this.#at === this.#input.length && this.#code === 0;
  }

  bit(probabilities: Uint16Array, index: number): 0 | 1 {
    if (this.#range < TOP) this.#shift();
    const probability = probabilities[index] ?? 0;
    const bound = (this.#range >>> PROBABILITY_BITS) * probability;
    if (this.#code < bound) {
      this.#range = bound;
      probabilities[index] = probability + (((1 << PROBABILITY_BITS) - probability) >>> MOVE_BITS);
      return 0;
    }
    this.#range -= bound;
    this.#code -= bound;
    probabilities[index] = probability - (probability >>> MOVE_BITS);
    return 1;
  }

  /** A number of `bits` bits, highest first, whose tree of probabilities starts at `offset`. */
  tree(probabilities: Uint16Array, offset: number, bits: number): number {
    let symbol = 1;
    for (let left = bits; left > 0; left--) symbol = (symbol << 1) | this.bit(probabilities, offset + symbol);
    return symbol - (1 << bits);
  }

  /** As `tree`, lowest bit first. */
  reverseTree(probabilities: Uint16Array, offset: number, bits: number): number {
    let symbol = 1;
    let value = 0;
    for (let bit = 0; bit < bits; bit++) {
      const decoded = this.bit(probabilities, offset + symbol);
      symbol = (symbol << 1) | decoded;
      value |= decoded << bit;
    }
    return value;
  }

  /** Bits that are as likely 0 as 1. */
  direct(bits: number): number {
    let value = 0;
    for (let left = bits; left > 0; left--) {
      this.#normalize();
      this.#range >>>= 1;
      const one = this.#code >= this.#range;
      if (one) this.#code -= this.#range;
      value = ((value << 1) | Number(one)) >>> 0;
    }
    return value;
  }

  #normalize(): void {
    if (this.#range < TOP) this.#shift();
  }

  #shift(): void {
    const next = this.#input[this.#at++];
    if (next === undefined) throw invalidStream('its xz stream is damaged');
    this.#range = (this.#range << 8) >>> 0;
    this.#code = ((this.#code << 8) | next) >>> 0;
  }
}
