import type { Digest } from '../../oci/digest.js';

/** Tells of blobs that have come into the store, also those who ask later. */
export class BlobArrivals {
  readonly #here = new Set<Digest>();
  readonly #waiting = new Map<Digest, (() => void)[]>();

  arrive(digest: Digest): void {
    this.#here.add(digest);
    const told = this.#waiting.get(digest) ?? [];
    this.#waiting.delete(digest);
    for (const tell of told) tell();
  }

  /** Calls `tell` once the blob is here: now, later, or never. */
  when(digest: Digest, tell: () => void): void {
    if (this.#here.has(digest)) tell();
    else this.#waiting.set(digest, [...(this.#waiting.get(digest) ?? []), tell]);
  }
}
