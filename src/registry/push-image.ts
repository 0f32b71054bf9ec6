import type { Descriptor } from '../oci/descriptor.js';
import { platformSatisfies, type Platform } from '../oci/platform.js';
import { withDefaultTag, type Reference } from '../oci/reference.js';
import { selectPlatform, listPlatforms } from '../oci/select-platform.js';
import { decodeIndex } from '../oci/decode.js';
import { formatPlatform } from '../oci/platform.js';
import type { StoredImage } from '../store/image-store.js';
import type { BlobReader } from '../store/blob-store.js';
import type { Store } from '../store/store.js';
import { TsbuildError } from '../support/errors.js';
import { inFormat } from './images/manifest-format.js';
import { ImagePusher, type ImagePushOptions } from './images/image-pusher.js';
import { findMountSources, type MountSources } from './images/mount-sources.js';
import type { RegistryClient } from './registry-client.js';
import { MEDIA_TYPE } from '../oci/media-type.js';

export interface PushOptions extends Omit<ImagePushOptions, 'store' | 'mountSources'> {
  readonly image: StoredImage;
  readonly target: Reference;
  /** Of an image that is here as a whole index, the one for this platform alone; absent: the index and all that it lists. */
  readonly platform?: Platform | undefined;
  readonly client: RegistryClient;
  readonly store: Pick<Store, 'blobs' | 'images'>;
  /** What blobs are read from, where that is more than the store. */
  readonly blobs?: BlobReader | undefined;
  /** Asked before what the store knows. */
  readonly mountSources?: MountSources | undefined;
}

/**
 * Sends an image to a registry: blobs first, then the manifest under the target's tag. What is here as a whole index goes as one,
 * with its attestations. Layers that tsbuild keeps uncompressed are sent compressed, in a manifest that says so; what was pulled
 * or loaded compressed goes byte for byte as it came, unless a compression is asked for.
 * @returns the descriptor of the manifest or index as the registry now has it
 * @throws `USAGE`, `PLATFORM_NOT_FOUND`, `REGISTRY_*`, `ABORTED`, and what the store and `compressLayer` throw
 */
export async function pushImage(options: PushOptions): Promise<Descriptor<string>> {
  const { image, client, store, format, compression } = options;
  if (format !== undefined && compression === 'zstd') inFormat(MEDIA_TYPE.ociLayerZstd, format);
  const { tag, registry, repository } = withDefaultTag(options.target);
  const root = await rootOf(image, options);
  const known = await findMountSources(store, { registry, repository });
  const pusher = new ImagePusher(client.repository({ registry, repository }), {
    ...options,
    store: { blobs: options.blobs ?? store.blobs },
    mountSources: (digest) => options.mountSources?.(digest) ?? known(digest),
  });
  return await pusher.push(root, tag);
}

async function rootOf(image: StoredImage, { platform, store }: PushOptions): Promise<Descriptor<string>> {
  if (platform === undefined) return image.index ?? image.descriptor;
  if (image.index === undefined) {
    const config = await store.images.config(await store.images.manifest(image.descriptor));
    if (platformSatisfies(config.value, platform)) return image.descriptor;
    throw noPlatform(platform, [formatPlatform(config.value)]);
  }
  const index = decodeIndex(await store.blobs.read(image.index), image.index);
  const chosen = selectPlatform(index.value, platform);
  if (chosen === undefined) throw noPlatform(platform, listPlatforms(index.value));
  return chosen;
}

function noPlatform(platform: Platform, offered: readonly string[]): TsbuildError {
  return new TsbuildError(
    'PLATFORM_NOT_FOUND',
    `cannot push for "${formatPlatform(platform)}": no such image is here`,
    {
      hint: `Pull it first, with --all-platforms for all at once. What is here is for ${offered.join(', ')}.`,
    },
  );
}
