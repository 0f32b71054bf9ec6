import { decodeLinks, decodeManifestOrIndex, isConfigMediaType } from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';
import type { EncodedManifest, ManifestDescriptor, RawIndex, RawManifest } from '../../oci/image.js';
import type { Store } from '../../store/store.js';
import { isTsbuildError, TsbuildError } from '../../support/errors.js';
import { blobProgress, type BlobSink } from '../blob-event.js';
import type { RepositorySource } from '../repository/repository-source.js';
import { transferAll } from '../transfer-all.js';

export interface IngestOptions {
  readonly store: Pick<Store, 'blobs'>;
  readonly onBlob?: BlobSink | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Manifests below one index: more is an attack, or a list of something else than images. */
const MAX_DOCUMENTS = 1000;

/** Puts into the store what it lacks of images in one repository. */
export class ImageIngest {
  readonly #source: RepositorySource;
  readonly #options: IngestOptions;
  #changed = false;

  constructor(source: RepositorySource, options: IngestOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** Whether the store lacked anything. */
  get changed(): boolean {
    return this.#changed;
  }

  /** From the store when it is there: then the registry need not send it again. */
  async fetch(descriptor: ManifestDescriptor): Promise<RawManifest | RawIndex> {
    return decodeManifestOrIndex(await this.#bytes(descriptor, this.#options.signal), descriptor);
  }

  /** Config and layers. */
  async content({ value }: RawManifest): Promise<void> {
    await this.#blobs([value.config, ...value.layers]);
  }

  async document({ descriptor, bytes }: EncodedManifest): Promise<void> {
    const { blobs } = this.#options.store;
    if (await blobs.has(descriptor.digest)) return;
    const { digest, size } = descriptor;
    await blobs.ingest(single(bytes), { expect: { digest, size }, signal: this.#options.signal });
    this.#changed = true;
  }

  /** Everything that an index lists, images and what else there is (attestations, artifacts), and what these list. */
  async everything(root: ManifestDescriptor): Promise<void> {
    const documents = new Map<string, EncodedManifest>();
    const blobs: Descriptor<string>[] = [];
    for (let level: readonly Descriptor<string>[] = [root]; level.length > 0;) {
      const fresh = [...new Map(level.map((each) => [each.digest, each])).values()].filter(
        ({ digest }) => !documents.has(digest),
      );
      if (documents.size + fresh.length > MAX_DOCUMENTS) throw tooMany(root);
      const fetched = await transferAll(fresh, async (each, stop) => this.#encoded(each, stop), this.#options.signal);
      for (const document of fetched) documents.set(document.descriptor.digest, document);
      const links = fetched.map(({ bytes, descriptor }) => decodeLinks(bytes, descriptor.digest));
      blobs.push(...links.flatMap((each) => each.blobs));
      level = links.flatMap(({ manifests }) => manifests);
    }
    await this.#blobs(blobs);
    // Bottom-up: a document is there only when all that it names is.
    for (const document of [...documents.values()].reverse()) await this.document(document);
  }

  async #encoded(descriptor: Descriptor<string>, signal: AbortSignal): Promise<EncodedManifest> {
    return { descriptor, bytes: await this.#bytes(descriptor, signal) };
  }

  async #bytes(descriptor: Descriptor<string>, signal: AbortSignal | undefined): Promise<Buffer> {
    const { blobs } = this.#options.store;
    if (!(await blobs.has(descriptor.digest))) return await this.#source.fetchDocument(descriptor, { signal });
    return (await this.#intact(descriptor)) ?? (await this.#source.fetchDocument(descriptor, { signal }));
  }

  /** A small document of the store; `undefined` when it is damaged, and so no longer there. */
  async #intact(descriptor: Descriptor<string>): Promise<Buffer | undefined> {
    try {
      return await this.#options.store.blobs.read(descriptor);
    } catch (error) {
      if (isTsbuildError(error, 'DIGEST_MISMATCH')) return undefined;
      throw error;
    }
  }

  /** A file of another size, or a config that is not itself, is had again. What a layer holds is looked at when it is used. */
  async #holds(descriptor: Descriptor<string>): Promise<boolean> {
    const { digest, size, mediaType } = descriptor;
    if ((await this.#options.store.blobs.size(digest)) !== size) return false;
    return !isConfigMediaType(mediaType) || (await this.#intact(descriptor)) !== undefined;
  }

  /** A blob that is listed twice is one; what is small and needed first comes first. */
  async #blobs(listed: readonly Descriptor<string>[]): Promise<void> {
    const blobs = [...new Map(listed.map((blob) => [blob.digest, blob])).values()];
    const inOrder = blobs.toSorted((a, b) => rank(a) - rank(b));
    await transferAll(inOrder, this.#blob.bind(this), this.#options.signal);
  }

  async #blob(descriptor: Descriptor<string>, signal: AbortSignal): Promise<void> {
    const { blobs } = this.#options.store;
    const { startAt, onBytes, finish } = blobProgress(descriptor, this.#options.onBlob);
    const existed = await this.#holds(descriptor);
    if (!existed) {
      const { digest, size } = descriptor;
      // The store checks what it takes in; checking here as well would cost a second pass over every byte.
      const from = (offset: number): AsyncIterable<Uint8Array> => {
        startAt(offset);
        return this.#source.fetchBlob(descriptor, { onBytes, signal, offset });
      };
      await blobs.resume({ digest, size }, from, { signal });
      this.#changed = true;
    }
    finish(existed);
  }
}

function rank({ mediaType }: Descriptor<string>): number {
  return isConfigMediaType(mediaType) ? 0 : 1;
}

function tooMany({ digest }: ManifestDescriptor): TsbuildError {
  return new TsbuildError(
    'DOCUMENT_INVALID',
    `cannot take index "${digest}": it lists more than ${MAX_DOCUMENTS} manifests`,
    {
      hint: 'Pull one platform of it, with --platform.',
    },
  );
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield await Promise.resolve(bytes);
}
