import { invalidStream } from '../invalid-stream.js';

/** The most that one chunk of LZMA2 gives: 2 MiB. */
const MAX_CHUNK: number = 1 << 21;
const MAX_SLACK = 8 << 20;

/**
 * What has been decoded, as far back as matches may reach. The bytes of a chunk lie in one piece, so that they can be given away
 * without a copy; to make room the dictionary moves to the front of its memory now and then.
 */
export class Dictionary {
  readonly #size: number;
  readonly #buffer: Buffer;
  #position = 0;
  /** Where the content of the dictionary begins: nothing before it may be referred to. */
  #origin = 0;
  /** Bytes since the last reset that are no longer here. */
  #forgotten = 0;

  constructor(size: number) {
    this.#size = size;
    // Memory that is never written to costs nothing.
    this.#buffer = Buffer.allocUnsafeSlow(size + Math.max(MAX_CHUNK, Math.min(size, MAX_SLACK)));
  }

  get position(): number {
    return this.#position;
  }

  reset(): void {
    this.#origin = this.#position;
    this.#forgotten = 0;
  }

  /** Makes room for a chunk. What was given away before is overwritten. */
  reserve(count: number): void {
    if (this.#position + count <= this.#buffer.length) return;
    const start = Math.max(this.#origin, this.#position - this.#size);
    this.#buffer.copyWithin(0, start, this.#position);
    this.#forgotten += start - this.#origin;
    this.#position -= start;
    this.#origin = 0;
  }

  /** The byte `distance + 1` places back. */
  at(distance: number): number {
    return this.#buffer[this.#position - distance - 1] ?? 0;
  }

  /** How many bytes there were since the last reset, which decides how the next are coded. */
  get decoded(): number {
    return this.#forgotten + this.#position - this.#origin;
  }

  put(byte: number): void {
    this.#buffer[this.#position++] = byte;
  }

  putAll(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#position);
    this.#position += bytes.length;
  }

  /** @throws `LAYER_INVALID` for a match that reaches back too far */
  repeat(distance: number, length: number): void {
    const from = this.#position - distance - 1;
    if (from < this.#origin || distance >= this.#size) throw invalidStream('its xz stream is damaged');
    const buffer = this.#buffer;
    const end = this.#position + length;
    if (distance >= length) {
      buffer.copyWithin(this.#position, from, from + length);
    } else {
      for (let to = this.#position, at = from; to < end; to++, at++) buffer[to] = buffer[at] ?? 0;
    }
    this.#position = end;
  }

  slice(start: number): Buffer {
    return this.#buffer.subarray(start, this.#position);
  }
}
