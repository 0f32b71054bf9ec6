import { decompress } from '../../../layers/compression/decompress.js';
import type { ContentDigester } from '../../../layers/compression/content-digester.js';
import { createDigester, digestAlgorithm, type Digest } from '../../../oci/digest.js';
import type { BlobInfo } from '../../../store/blob-store.js';
import { layout } from '../../../store/layout.js';
import type { Store } from '../../../store/store.js';
import { abortable } from '../../../support/byte-streams.js';

/** Bytes. Smaller blobs are done before a thread has started. */
const WORTH_A_THREAD = 4 << 20;
/** Bytes. It takes seconds, often when all other layers are done: inflating and digesting it then go on side by side. */
const WORTH_TWO_THREADS = 256 << 20;

interface ContentDigestsOptions {
  readonly store: Pick<Store, 'root' | 'blobs' | 'layerIndexes'>;
  /** Threads for large blobs; without them everything is done in this one. */
  readonly digester: ContentDigester | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Digests of what blobs in the store hold once they are decompressed. Large ones can be begun before anybody knows what they
 * are good for: reading an archive and inflating its layers then go on at the same time. Disposing of it stops what is under way.
 */
export class ContentDigests implements AsyncDisposable {
  readonly #options: ContentDigestsOptions;
  readonly #begun = new Map<Digest, Promise<Digest | undefined>>();
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;

  constructor(options: ContentDigestsOptions) {
    this.#options = options;
    const { signal } = options;
    this.#signal = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
  }

  begin(blob: BlobInfo): void {
    const { digester } = this.#options;
    if (blob.size < WORTH_A_THREAD || digester === undefined || this.#begun.has(blob.digest)) return;
    this.#begun.set(blob.digest, this.#inThread(blob, digester));
  }

  /** Of the algorithm of `wanted`, which a right blob's content has. @throws `LAYER_INVALID`, `DIGEST_MISMATCH`, `ABORTED` */
  async of(blob: BlobInfo, wanted: Digest): Promise<Digest> {
    const found = await this.#begun.get(blob.digest);
    // A thread looks at the bytes that are on the disk, whatever they are: who is to blame shows when they are checked as well.
    return found === wanted ? found : await this.#here(blob, wanted);
  }

  /** `undefined` when it could not be done, and when it was stopped. */
  async #inThread({ digest, size }: BlobInfo, digester: ContentDigester): Promise<Digest | undefined> {
    try {
      const { root, layerIndexes } = this.#options.store;
      const apart = size >= WORTH_TWO_THREADS;
      const file = { path: layout.blob(root, digest), algorithm: 'sha256', apart, indexed: true } as const;
      const content = await digester.digest(file, { signal: this.#signal });
      if (content.index !== undefined) await layerIndexes.save(content.digest, { bytes: content.index, blob: digest });
      return content.digest;
    } catch {
      return undefined;
    }
  }

  async #here(blob: BlobInfo, wanted: Digest): Promise<Digest> {
    const digester = createDigester(digestAlgorithm(wanted));
    const bytes = abortable(await this.#options.store.blobs.open(blob), 'check a layer', this.#signal);
    for await (const chunk of decompress(bytes)) digester.update(chunk);
    return digester.finish().digest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#begun.values());
  }
}
