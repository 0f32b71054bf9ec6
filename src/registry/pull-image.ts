import { checkLayerCount, decodeConfig } from '../oci/decode.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { ManifestDescriptor, RawIndex, RawManifest } from '../oci/image.js';
import { isIndexMediaType, type IndexMediaType } from '../oci/media-type.js';
import { formatPlatform, platformSatisfies, type Platform } from '../oci/platform.js';
import { isAttestation } from '../oci/select-platform.js';
import { familiarName, withDefaultTag, type Reference, type Repository } from '../oci/reference.js';
import type { StoredImage } from '../store/image-store.js';
import type { Store } from '../store/store.js';
import { isTsbuildError } from '../support/errors.js';
import type { BlobSink } from './blob-event.js';
import { chooseImage, type ChosenImage, type ImageChoice } from './images/image-choice.js';
import { ImageIngest } from './images/image-ingest.js';
import { findPushed } from './images/pushed-image.js';
import type { RepositorySource } from './repository/repository-source.js';

export interface PullOptions {
  readonly reference: Reference;
  readonly platform: Platform;
  /**
   * Everything that the index lists, not only the image for `platform`: that one, or else the first, then stands for the index
   * where one image is wanted.
   */
  readonly allPlatforms?: boolean | undefined;
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
 * (invariant I2), so that a pull that breaks off leaves nothing but blobs, whole ones and parts, with which the next one goes on.
 * A reference with a digest gives no name, as with Docker.
 * @throws `IMAGE_NOT_FOUND`, `PLATFORM_NOT_FOUND`, `REGISTRY_*`, `DIGEST_MISMATCH`, `DOCUMENT_INVALID`, `ABORTED`, and what the
 * store throws
 */
export async function pullImage(options: PullOptions): Promise<PullResult> {
  const { client, platform, signal, store } = options;
  const reference = withDefaultTag(options.reference);
  const source = client.repository(reference);
  const root = await source.resolve(wantedName(reference), { signal });
  const pushed = await findPushed(store, { reference, resolved: root, platform });
  if (pushed !== undefined) return { image: pushed, changed: false };
  const ingest = new ImageIngest(source, options);
  const fetch = async (descriptor: ManifestDescriptor): Promise<RawManifest | RawIndex> =>
    await ingest.fetch(descriptor);
  const name = familiarName(reference);
  const choice = { name, platform, fetch, source, signal };
  const index = options.allPlatforms === true && isIndex(root) ? root : undefined;
  const { manifest, indexes } = index === undefined ? await chooseImage(choice, root) : await chooseAny(choice, index);
  if (index === undefined) await ingest.content(manifest);
  else await ingest.everything(index);
  await checkConfig(manifest, name, options);
  for (const document of [manifest, ...indexes]) await ingest.document(document);
  const image = {
    name: imageName(reference, options),
    descriptor: manifest.descriptor,
    resolved: root.digest,
    ...(index === undefined ? {} : { index }),
  };
  const put = options.name !== false && (await store.images.put(image));
  return { image, changed: put || ingest.changed };
}

function wantedName({ tag = 'latest', digest }: Reference): Parameters<RepositorySource['resolve']>[0] {
  return digest === undefined ? { tag } : { digest };
}

function isIndex(descriptor: ManifestDescriptor): descriptor is Descriptor<IndexMediaType> {
  return isIndexMediaType(descriptor.mediaType);
}

/** Where there is nothing for the platform, the first image that there is. */
async function chooseAny(choice: ImageChoice, root: ManifestDescriptor): Promise<ChosenImage> {
  try {
    return await chooseImage(choice, root);
  } catch (error) {
    if (!isTsbuildError(error, 'PLATFORM_NOT_FOUND')) throw error;
    const document = await choice.fetch(root);
    const first = 'manifests' in document.value ? document.value.manifests.find((each) => !isAttestation(each)) : root;
    if (first === undefined) throw error;
    const { manifest, indexes } = await chooseAny(choice, first);
    return { manifest, indexes };
  }
}

function imageName({ tag, digest, ...repository }: Reference, { name }: PullOptions): StoredImage['name'] {
  return tag === undefined || digest !== undefined || name === false ? null : { ...repository, tag };
}

/** The config must fit the manifest. One for another platform is used as it is, as Docker does, but not in silence. */
async function checkConfig(
  manifest: RawManifest,
  name: string,
  { store, platform, allPlatforms, onWarning }: PullOptions,
): Promise<void> {
  const { config: descriptor } = manifest.value;
  const config = decodeConfig(await store.blobs.read(descriptor), descriptor);
  checkLayerCount(manifest, config);
  if (allPlatforms === true || platformSatisfies(config.value, platform)) return;
  onWarning?.(`${name} is for ${formatPlatform(config.value)}, and ${formatPlatform(platform)} was asked for`);
}
