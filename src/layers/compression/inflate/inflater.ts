/** Inflates raw DEFLATE data (RFC 1951) on this thread, into memory that is used again and again. */
export interface Inflater extends Disposable {
  /**
   * Inflates a chunk. What comes is valid until the next is asked for, and all of it must be.
   * @returns what is behind the data's end; `undefined` when they go on
   * @throws zlib's errors, with their `code`
   */
  push(input: Uint8Array): Generator<Buffer, Uint8Array | undefined, undefined>;

  /** Begins anew. */
  reset(): void;
}
