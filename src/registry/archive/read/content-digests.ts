import { decompress } from '../../../layers/compression/decompress.js';
import { WORTH_TWO_THREADS, type ContentDigester } from '../../../layers/compression/content-digester.js';
import type { UnfinishedTar } from '../../../layers/snapshots/layer-tars.js';
import { createDigester, digestAlgorithm, type Digest } from '../../../oci/digest.js';
import type { BlobInfo } from '../../../store/blob-store.js';
import { layout } from '../../../store/layout.js';
import type { Store } from '../../../store/store.js';
import { abortable } from '../../../support/byte-streams.js';
import { systemErrorCode } from '../../../support/errors.js';
import type { TarKeeping } from './tar-keeping.js';

/** Bytes. Smaller blobs are done before a thread has started. */
const WORTH_A_THREAD = 4 << 20;

interface ContentDigestsOptions {
  readonly store: Pick<Store, 'root' | 'blobs' | 'layerIndexes'>;
  /** Threads for large blobs; without them everything is done in this one. */
  readonly digester: ContentDigester | undefined;
  /** For what threads inflate; absent: nothing is kept. */
  readonly tars?: TarKeeping | undefined;
  readonly signal: AbortSignal | undefined;
}

interface Digesting {
  readonly digester: ContentDigester;
  /** As of `ContentFile`. */
  readonly copy?: string | undefined;
}

interface Content {
  readonly digest: Digest;
  readonly tar: UnfinishedTar | undefined;
}

/**
 * Digests of what blobs in the store hold once they are decompressed. Large ones can be begun before anybody knows what they
 * are good for: reading an archive and inflating its layers then go on at the same time. Disposing of it stops what is under way,
 * and discards the tars that were not kept.
 */
export class ContentDigests implements AsyncDisposable {
  readonly #options: ContentDigestsOptions;
  readonly #begun = new Map<Digest, Promise<Content | undefined>>();
  /** Those whose content was what somebody wanted. */
  readonly #right = new Set<Content>();
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
    const content = await this.#begun.get(blob.digest);
    // A thread looks at the bytes that are on the disk, whatever they are: who is to blame shows when they are checked as well.
    if (content?.digest !== wanted) return await this.#here(blob, wanted);
    this.#right.add(content);
    return content.digest;
  }

  /** Puts the tars of what was asked for, and right, where they are found. One that cannot be kept is inflated again when it is needed. */
  async keep(): Promise<void> {
    for (const { digest, tar } of this.#right) {
      await tar?.commit(digest).catch((error: unknown) => {
        if (systemErrorCode(error) === undefined) throw error;
      });
    }
  }

  /** `undefined` when it could not be done, and when it was stopped. */
  async #inThread(blob: BlobInfo, digester: ContentDigester): Promise<Content | undefined> {
    const tar = await this.#options.tars?.begin(blob).catch(() => undefined);
    try {
      return { digest: await this.#digest(blob, { digester, copy: tar?.path }), tar };
    } catch {
      await tar?.[Symbol.asyncDispose]();
    }
    // Perhaps the disk had no room for the tar.
    if (tar === undefined || this.#signal.aborted) return undefined;
    return await this.#digest(blob, { digester }).then(
      (digest) => ({ digest, tar: undefined }),
      () => undefined,
    );
  }

  async #digest({ digest: blob, size }: BlobInfo, { digester, copy }: Digesting): Promise<Digest> {
    const { root, layerIndexes } = this.#options.store;
    const apart = size >= WORTH_TWO_THREADS;
    const file = { path: layout.blob(root, blob), algorithm: 'sha256', apart, indexed: true, copy } as const;
    const { digest, index } = await digester.digest(file, { signal: this.#signal });
    if (index !== undefined) await layerIndexes.save(digest, { bytes: index, blob });
    return digest;
  }

  async #here(blob: BlobInfo, wanted: Digest): Promise<Digest> {
    const digester = createDigester(digestAlgorithm(wanted));
    const bytes = abortable(await this.#options.store.blobs.open(blob), 'check a layer', this.#signal);
    for await (const chunk of decompress(bytes)) digester.update(chunk);
    return digester.finish().digest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const begun of this.#begun.values()) await (await begun)?.tar?.[Symbol.asyncDispose]();
  }
}
