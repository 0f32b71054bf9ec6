import { checkLayerCount, decodeConfig, decodeManifestOrIndex } from '../oci/decode.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { ManifestDescriptor, RawIndex, RawManifest } from '../oci/image.js';
import { formatPlatform, platformSatisfies, type Platform } from '../oci/platform.js';
import { familiarName, withDefaultTag, type Reference, type Repository } from '../oci/reference.js';
import type { StoredImage } from '../store/image-store.js';
import type { Store } from '../store/store.js';
import { blobProgress, type BlobSink } from './blob-event.js';
import { chooseImage } from './image-choice.js';
import type { RepositorySource } from './repository-source.js';
import { transferAll } from './transfer-all.js';

export interface PullOptions {
  readonly reference: Reference;
  readonly platform: Platform;
  readonly client: { repository(name: Repository): RepositorySource };
  readonly store: Pick<Store, 'blobs' | 'images'>;
  readonly onBlob?: BlobSink | undefined;
  readonly onWarning?: ((text: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whether the image becomes known by the reference; `true` unless given. Otherwise only its content is stored. */
  readonly name?: boolean | undefined;
}

export interface PullResult {
  readonly image: StoredImage;
  /** Whether anything in the store is new. */
  readonly changed: boolean;
}

/**
 * Brings an image into the store: every blob byte for byte, and the indexes through which it was found. The name comes last
 * (invariant I2), so that a pull that breaks off leaves nothing but blobs, which the next one finds. A reference with a digest
 * gives no name, as with Docker.
 * @throws `IMAGE_NOT_FOUND`, `PLATFORM_NOT_FOUND`, `REGISTRY_*`, `DIGEST_MISMATCH`, `DOCUMENT_INVALID`, `ABORTED`, and what the
 * store throws
 */
export async function pullImage(options: PullOptions): Promise<PullResult> {
  const { client, platform, signal } = options;
  const reference = withDefaultTag(options.reference);
  const source = client.repository(reference);
  const root = await source.resolve(wantedName(reference), { signal });
  const ingest = new Ingest(source, options);
  const fetch = async (descriptor: ManifestDescriptor): Promise<RawManifest | RawIndex> =>
    await ingest.fetch(descriptor);
  const name = familiarName(reference);
  const { manifest, indexes } = await chooseImage({ name, platform, fetch, source, signal }, root);
  await ingest.content(manifest);
  await checkConfig(manifest, name, options);
  for (const document of [manifest, ...indexes]) await ingest.document(document);
  const image = { name: imageName(reference, options), descriptor: manifest.descriptor, resolved: root.digest };
  const put = options.name !== false && (await options.store.images.put(image));
  return { image, changed: put || ingest.changed };
}

function wantedName({ tag = 'latest', digest }: Reference): Parameters<RepositorySource['resolve']>[0] {
  return digest === undefined ? { tag } : { digest };
}

function imageName({ tag, digest, ...repository }: Reference, { name }: PullOptions): StoredImage['name'] {
  return tag === undefined || digest !== undefined || name === false ? null : { ...repository, tag };
}

/** The config must fit the manifest. One for another platform is used as it is, as Docker does, but not in silence. */
async function checkConfig(
  manifest: RawManifest,
  name: string,
  { store, platform, onWarning }: PullOptions,
): Promise<void> {
  const { config: descriptor } = manifest.value;
  const config = decodeConfig(await store.blobs.read(descriptor), descriptor);
  checkLayerCount(manifest, config);
  if (platformSatisfies(config.value, platform)) return;
  onWarning?.(`${name} is for ${formatPlatform(config.value)}, and ${formatPlatform(platform)} was asked for`);
}

/** Puts into the store what it lacks. */
class Ingest {
  readonly #source: RepositorySource;
  readonly #options: PullOptions;
  #changed = false;

  constructor(source: RepositorySource, options: PullOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** Whether the store lacked anything. */
  get changed(): boolean {
    return this.#changed;
  }

  /** From the store when it is there: then the registry need not send it again. */
  async fetch(descriptor: ManifestDescriptor): Promise<RawManifest | RawIndex> {
    const { store, signal } = this.#options;
    if (!(await store.blobs.has(descriptor.digest))) return await this.#source.fetchManifest(descriptor, { signal });
    return decodeManifestOrIndex(await store.blobs.read(descriptor), descriptor);
  }

  /** Config and layers; a layer that is listed twice is one blob. */
  async content({ value }: RawManifest): Promise<void> {
    const blobs = new Map<string, Descriptor>([value.config, ...value.layers].map((blob) => [blob.digest, blob]));
    await transferAll([...blobs.values()], this.#blob.bind(this), this.#options.signal);
  }

  async document({ descriptor, bytes }: RawManifest | RawIndex): Promise<void> {
    const { blobs } = this.#options.store;
    if (await blobs.has(descriptor.digest)) return;
    await blobs.ingest(single(bytes), { expect: descriptor, signal: this.#options.signal });
    this.#changed = true;
  }

  async #blob(descriptor: Descriptor, signal: AbortSignal): Promise<void> {
    const { blobs } = this.#options.store;
    const { onBytes, finish } = blobProgress(descriptor, this.#options.onBlob);
    const existed = await blobs.has(descriptor.digest);
    if (!existed) {
      const { digest, size } = descriptor;
      // The store checks what it takes in; checking here as well would cost a second pass over every byte.
      await blobs.ingest(this.#source.fetchBlob(descriptor, { onBytes, signal }), { expect: { digest, size }, signal });
      this.#changed = true;
    }
    finish(existed);
  }
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield await Promise.resolve(bytes);
}
