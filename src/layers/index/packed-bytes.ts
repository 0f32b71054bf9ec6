import type { ByteString } from '../../support/byte-string.js';
import { invalidTar } from '../tar/tar-format.js';

const SEVEN_BITS = 0x80;
const FIRST_SIZE = 64 << 10;
/** Bytes of the longest number: 2^53 in groups of seven bits. */
const MAX_NUMBER = 8;

/** Numbers of as many bytes as they need (LEB128), and bytes with their length before them, one after the other. */
export class PackedWriter {
  #bytes = Buffer.allocUnsafeSlow(FIRST_SIZE);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** @param value a safe integer, 0 or more */
  number(value: number): void {
    this.#reserve(MAX_NUMBER);
    let rest = value;
    while (rest >= SEVEN_BITS) {
      this.#bytes[this.#length++] = (rest % SEVEN_BITS) + SEVEN_BITS;
      rest = Math.floor(rest / SEVEN_BITS);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** @param value a safe integer of either sign */
  signed(value: number): void {
    this.byte(value < 0 ? 1 : 0);
    this.number(Math.abs(value));
  }

  text(value: ByteString): void {
    this.number(value.length);
    this.#reserve(value.length);
    this.#bytes.write(value, this.#length, 'latin1');
    this.#length += value.length;
  }

  bytes(value: Uint8Array): void {
    this.number(value.byteLength);
    this.raw(value);
  }

  /** Without its length. */
  raw(value: Uint8Array): void {
    this.#reserve(value.byteLength);
    this.#bytes.set(value, this.#length);
    this.#length += value.byteLength;
  }

  /** What has been written, until more is. */
  written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#length + count));
    larger.set(this.written());
    this.#bytes = larger;
  }
}

/** Reads what `PackedWriter` wrote. Every method @throws `LAYER_INVALID` at the end of the bytes, or for what no writer writes. */
export class PackedReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Bytes that have been read. */
  get position(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw damagedIndex();
    return value;
  }

  number(): number {
    let value = this.byte();
    if (value < SEVEN_BITS) return value;
    value -= SEVEN_BITS;
    let factor = SEVEN_BITS;
    for (let length = 1; length < MAX_NUMBER; length++) {
      const next = this.byte();
      value += (next % SEVEN_BITS) * factor;
      if (next < SEVEN_BITS) return value;
      factor *= SEVEN_BITS;
    }
    throw damagedIndex();
  }

  signed(): number {
    const isNegative = this.byte() === 1;
    const value = this.number();
    return isNegative ? -value : value;
  }

  text(): ByteString {
    const end = this.#endOf(this.number());
    const text = this.#bytes.toString('latin1', this.#at, end) as ByteString;
    this.#at = end;
    return text;
  }

  /** A part of the bytes that are read, not a copy. */
  bytes(): Buffer {
    const end = this.#endOf(this.number());
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }

  #endOf(length: number): number {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw damagedIndex();
    return end;
  }
}

export function damagedIndex(): Error {
  return invalidTar('its index in the store is damaged');
}
