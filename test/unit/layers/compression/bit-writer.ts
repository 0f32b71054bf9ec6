/** In the order of RFC 1951 §3.2.7. */
const PRECODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** Writes DEFLATE data bit by bit, right or wrong. */
export class BitWriter {
  readonly #bits: number[] = [];

  /** The lowest bit first, as everything is but codewords. */
  value(value: number, count: number): void {
    for (let bit = 0; bit < count; bit++) this.#bits.push((value >> bit) & 1);
  }

  codeword(value: number, count: number): void {
    for (let bit = count - 1; bit >= 0; bit--) this.#bits.push((value >> bit) & 1);
  }

  /** A last block of two codes, whose lengths are written one by one. */
  dynamicHeader(literals: readonly number[], distances: readonly number[]): void {
    this.value(0b101, 3);
    this.value(literals.length - 257, 5);
    this.value(distances.length - 1, 5);
    this.value(PRECODE_ORDER.length - 4, 4);
    // The lengths 0 to 15 have codewords of four bits.
    for (const symbol of PRECODE_ORDER) this.value(symbol < 16 ? 4 : 0, 3);
    for (const length of [...literals, ...distances]) this.codeword(length, 4);
  }

  bytes(): Buffer {
    const bytes = Buffer.alloc(Math.ceil(this.#bits.length / 8));
    for (const [index, bit] of this.#bits.entries())
      bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (bit << (index & 7));
    return bytes;
  }
}
