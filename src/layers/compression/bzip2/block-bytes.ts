import type { SortedBlock } from './decode-block.js';

const CHUNK = 256 << 10;
/** After four equal bytes comes a count of how many more of them there are. */
const RUN = 4;

/** The checksum that bzip2 uses: that of Ethernet, highest bit first. */
const TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit++) value = (value << 1) ^ (value < 0 ? 0x04c11db7 : 0);
  return value >>> 0;
});

/** Undoes the first run-length coding of a block, piece by piece: one block may give 46 MB. */
export class BlockBytes {
  readonly #links: Uint32Array;
  readonly #chunk = Buffer.allocUnsafeSlow(CHUNK);
  #place: number;
  #left: number;
  #previous = -1;
  #equal = 0;
  /** Copies of `#previous` that are still to be given. */
  #repeats = 0;
  #checksum = -1;

  constructor(links: Uint32Array, { start, length }: SortedBlock) {
    this.#links = links;
    this.#place = (links[start] ?? 0) >>> 8;
    this.#left = length;
  }

  /** Of all that has been given. */
  get checksum(): number {
    return ~this.#checksum >>> 0;
  }

  /** The next piece, valid until the one after it is asked for; empty at the end. */
  next(): Buffer {
    const chunk = this.#chunk;
    let filled = 0;
    while (filled < CHUNK && (this.#repeats > 0 || this.#left > 0)) {
      if (this.#repeats > 0) {
        const count = Math.min(this.#repeats, CHUNK - filled);
        chunk.fill(this.#previous, filled, filled + count);
        this.#repeats -= count;
        filled += count;
      } else {
        const byte = this.#nextByte();
        if (byte >= 0) chunk[filled++] = byte;
      }
    }
    const piece = chunk.subarray(0, filled);
    this.#sum(piece);
    return piece;
  }

  /** -1 for a count, which is no content. */
  #nextByte(): number {
    const link = this.#links[this.#place] ?? 0;
    this.#place = link >>> 8;
    this.#left--;
    const byte = link & 0xff;
    if (this.#equal === RUN) {
      this.#repeats = byte;
      this.#equal = 0;
      return -1;
    }
    this.#equal = byte === this.#previous ? this.#equal + 1 : 1;
    this.#previous = byte;
    return byte;
  }

  #sum(bytes: Buffer): void {
    let sum = this.#checksum;
    const length = bytes.length;
    for (let at = 0; at < length; at++) sum = (sum << 8) ^ (TABLE[((sum >>> 24) ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
    this.#checksum = sum;
  }
}
