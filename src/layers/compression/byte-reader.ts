/** Takes exact counts of bytes from a source of chunks. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #buffer: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** The next `count` bytes, which stay where they are; fewer when the source has no more. */
  async peek(count: number): Promise<Buffer> {
    while (this.#buffer.length < count && !this.#ended) {
      const next = await this.#chunks.next();
      if (next.done === true) this.#ended = true;
      else this.#buffer = Buffer.concat([this.#buffer, next.value]);
    }
    return this.#buffer.subarray(0, count);
  }

  /** As `peek`, and passes them. */
  async take(count: number): Promise<Buffer> {
    const bytes = await this.peek(count);
    this.#buffer = this.#buffer.subarray(bytes.length);
    return bytes;
  }

  /** Passes over `count` bytes without keeping them. @returns whether there were so many */
  async skip(count: number): Promise<boolean> {
    for (let left = count; left > 0;) {
      const passed = (await this.take(Math.min(left, Math.max(this.#buffer.length, 1)))).length;
      if (passed === 0) return false;
      left -= passed;
    }
    return true;
  }

  /** All that is left, as it comes. */
  async *rest(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      if (this.#buffer.length > 0) yield this.#buffer;
      this.#buffer = Buffer.alloc(0);
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
}
