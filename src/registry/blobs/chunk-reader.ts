import type { Readable } from 'node:stream';
import type { BlobSource } from '../../oci/image-transfer.js';

/** Reads a blob in chunks, mostly forwards: going back, or far ahead, opens it again. */
export class ChunkReader implements AsyncDisposable {
  readonly #blob: BlobSource;
  #stream: Readable | undefined;
  #pieces: AsyncIterator<Uint8Array> | undefined;
  /** Of the last chunk. */
  #start = 0;
  #chunk: Buffer = Buffer.alloc(0);
  /** Read, and not yet in a chunk. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(blob: BlobSource) {
    this.#blob = blob;
  }

  /** From `offset` on at most `size` bytes, and fewer only at the end or where the last chunk is asked for again from its middle. */
  async at(offset: number, size: number): Promise<Buffer> {
    const end = this.#start + this.#chunk.length;
    if (this.#pieces !== undefined && offset >= this.#start && offset < end) {
      return this.#chunk.subarray(offset - this.#start);
    }
    if (this.#pieces === undefined || offset !== end) await this.#seek(offset);
    this.#start = offset;
    this.#chunk = await this.#take(size);
    return this.#chunk;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stream?.destroy();
    await Promise.resolve();
  }

  async #seek(offset: number): Promise<void> {
    this.#stream?.destroy();
    this.#stream = await this.#blob.open();
    const stream: AsyncIterable<Uint8Array> = this.#stream;
    this.#pieces = stream[Symbol.asyncIterator]();
    this.#rest = Buffer.alloc(0);
    for (let left = offset; left > 0;) {
      const piece = await this.#next();
      if (piece === undefined) return;
      this.#rest = piece.subarray(Math.min(left, piece.length));
      left -= piece.length - this.#rest.length;
    }
  }

  async #take(size: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let wanted = size;
    for (;;) {
      const part = this.#rest.subarray(0, wanted);
      this.#rest = this.#rest.subarray(part.length);
      parts.push(Buffer.from(part));
      wanted -= part.length;
      const piece = wanted === 0 ? undefined : await this.#next();
      if (piece === undefined) return Buffer.concat(parts);
      this.#rest = piece;
    }
  }

  async #next(): Promise<Buffer | undefined> {
    const next = await this.#pieces?.next();
    if (next === undefined || next.done === true) return undefined;
    const { buffer, byteOffset, byteLength } = next.value;
    return Buffer.from(buffer, byteOffset, byteLength);
  }
}
