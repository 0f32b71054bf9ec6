const MIN_CAPACITY = 4096;

/** Takes exact counts of bytes from a source of chunks, whose memory may be the source's again once the next is asked for. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #buffer: Buffer = Buffer.alloc(0);
  /** What of `#buffer` has been read and not taken. Nothing before `#end` is ever overwritten: slices of it were given away. */
  #start = 0;
  #end = 0;
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** The next `count` bytes, which stay where they are; fewer when the source has no more. */
  async peek(count: number): Promise<Buffer> {
    while (this.#end - this.#start < count && !this.#ended) {
      const next = await this.#chunks.next();
      if (next.done === true) this.#ended = true;
      else this.#append(next.value, count);
    }
    return this.#buffer.subarray(this.#start, Math.min(this.#start + count, this.#end));
  }

  /** As `peek`, and passes them. */
  async take(count: number): Promise<Buffer> {
    const bytes = await this.peek(count);
    this.#start += bytes.length;
    return bytes;
  }

  /** Passes over `count` bytes without keeping them. @returns whether there were so many */
  async skip(count: number): Promise<boolean> {
    for (let left = count; left > 0;) {
      const passed = (await this.take(Math.min(left, Math.max(this.#end - this.#start, 1)))).length;
      if (passed === 0) return false;
      left -= passed;
    }
    return true;
  }

  /** All that is left, as it comes. */
  async *rest(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      if (this.#end > this.#start) yield this.#buffer.subarray(this.#start, this.#end);
      this.#buffer = Buffer.alloc(0);
      this.#start = this.#end = 0;
      while (!this.#ended) {
        const next = await this.#chunks.next();
        if (next.done === true) this.#ended = true;
        else yield next.value;
      }
    } finally {
      await this.close();
    }
  }

  /** Gives up the source, unless it has ended. */
  async close(): Promise<void> {
    if (!this.#ended) await this.#chunks.return?.();
    this.#ended = true;
  }

  /** There is room for more than what is wanted, so that a long peek does not copy what it has for each chunk that comes. */
  #append(chunk: Uint8Array, wanted: number): void {
    const kept = this.#end - this.#start;
    if (this.#end + chunk.byteLength > this.#buffer.length) {
      const buffer = Buffer.allocUnsafeSlow(Math.max(kept + chunk.byteLength, 2 * wanted, MIN_CAPACITY));
      this.#buffer.copy(buffer, 0, this.#start, this.#end);
      this.#buffer = buffer;
      this.#start = 0;
      this.#end = kept;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.byteLength;
  }
}
