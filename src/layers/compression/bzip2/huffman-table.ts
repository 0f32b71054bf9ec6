import { invalidStream } from './invalid-stream.js';
import type { BitReader } from './bit-reader.js';

const MAX_BITS = 20;

/** A canonical Huffman code, given by the lengths of its words. */
export class HuffmanTable {
  /** The largest word of each length, -1 where there is none. */
  readonly #limits = new Int32Array(MAX_BITS + 2).fill(-1);
  /** What to take from a word of each length to have its place in `#symbols`. */
  readonly #bases = new Int32Array(MAX_BITS + 2);
  readonly #symbols: Uint16Array;
  readonly #shortest: number;

  /** @param lengths of 1 to 20 */
  constructor(lengths: Uint8Array) {
    const bySize = [...lengths.keys()].sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0) || a - b);
    this.#symbols = Uint16Array.from(bySize);
    this.#shortest = lengths[bySize[0] ?? 0] ?? 1;
    let [word, place] = [0, 0];
    for (let size = this.#shortest; size <= MAX_BITS; size++) {
      const count = lengths.reduce((sum, length) => sum + Number(length === size), 0);
      this.#bases[size] = word - place;
      word += count;
      place += count;
      if (count > 0) this.#limits[size] = word - 1;
      word <<= 1;
    }
  }

  /** @throws `LAYER_INVALID` for a word that is not in the code */
  read(bits: BitReader): number {
    let word = bits.bits(this.#shortest);
    for (let size = this.#shortest; size <= MAX_BITS; size++) {
      if (word <= (this.#limits[size] ?? -1)) {
        const symbol = this.#symbols[word - (this.#bases[size] ?? 0)];
        if (symbol !== undefined) return symbol;
        break;
      }
      word = (word << 1) | bits.bits(1);
    }
    throw invalidStream('its bzip2 stream is damaged');
  }
}
