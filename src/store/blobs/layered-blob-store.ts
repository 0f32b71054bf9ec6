import type { Readable } from 'node:stream';
import type { Digest } from '../../oci/digest.js';
import { createVerifier } from '../../oci/verify-stream.js';
import { collect, discard } from '../../support/byte-streams.js';
import type { AdditionalStore } from '../additional-store.js';
import type { BlobInfo, BlobStore, IngestOptions } from '../blob-store.js';

/** Our own blobs, and below them those of other stores, which are as good as ours: what they have is not fetched again. */
export class LayeredBlobStore implements BlobStore {
  readonly #own: BlobStore;
  readonly #additional: readonly AdditionalStore[];

  constructor(own: BlobStore, additional: readonly AdditionalStore[]) {
    this.#own = own;
    this.#additional = additional;
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.size(digest)) !== undefined;
  }

  async size(digest: Digest): Promise<number | undefined> {
    return (await this.#own.size(digest)) ?? (await this.#elsewhere(digest))?.size;
  }

  async open(blob: BlobInfo): Promise<Readable> {
    const store = await this.#servingInstead(blob);
    return await (store ?? this.#own).open(blob);
  }

  async read(blob: BlobInfo): Promise<Buffer> {
    const store = await this.#servingInstead(blob);
    if (store === undefined) return await this.#own.read(blob);
    const verifier = createVerifier(blob);
    const bytes = Buffer.from(
      await collect(await store.open(blob), blob.size, () => new Error('longer than its size')),
    );
    verifier.update(bytes);
    verifier.finish();
    return bytes;
  }

  async ingest(source: AsyncIterable<Uint8Array>, options: IngestOptions = {}): Promise<BlobInfo> {
    const { digest, size } = options.expect ?? {};
    const known = digest === undefined ? undefined : await this.#reuse(digest, size);
    if (known === undefined) return await this.#own.ingest(source, options);
    await discard(source);
    return known;
  }

  async resume(
    blob: BlobInfo,
    open: (offset: number) => AsyncIterable<Uint8Array>,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<BlobInfo> {
    return (await this.#reuse(blob.digest, blob.size)) ?? (await this.#own.resume(blob, open, options));
  }

  list(): AsyncIterable<BlobInfo> {
    return this.#own.list();
  }

  async delete(digest: Digest): Promise<void> {
    await this.#own.delete(digest);
  }

  async #reuse(digest: Digest, size: number | undefined): Promise<BlobInfo | undefined> {
    if (await this.#own.has(digest)) return undefined;
    const found = await this.#elsewhere(digest);
    if (found === undefined || (size !== undefined && found.size !== size)) return undefined;
    return { digest, size: found.size };
  }

  async #servingInstead({ digest, size }: BlobInfo): Promise<AdditionalStore | undefined> {
    if (await this.#own.has(digest)) return undefined;
    const found = await this.#elsewhere(digest);
    return found?.size === size ? found.store : undefined;
  }

  async #elsewhere(digest: Digest): Promise<{ readonly store: AdditionalStore; readonly size: number } | undefined> {
    for (const store of this.#additional) {
      const size = await store.size(digest);
      if (size !== undefined) return { store, size };
    }
    return undefined;
  }
}
