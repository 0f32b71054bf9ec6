import { decodeIndex, decodeManifestOrIndex, manifestMediaType } from '../../oci/decode.js';
import type { Digest } from '../../oci/digest.js';
import type { ManifestDescriptor } from '../../oci/image.js';
import { isIndexMediaType, isManifestMediaType } from '../../oci/media-type.js';
import { formatPlatform, hostPlatform, platformSatisfies, type Platform } from '../../oci/platform.js';
import { formatReference, type Reference } from '../../oci/reference.js';
import { isAttestation, selectPlatform } from '../../oci/select-platform.js';
import type { StoredImage } from '../../store/image-store.js';
import type { Store } from '../../store/store.js';
import { TsbuildError } from '../../support/errors.js';
import type { ContentSource, PlatformChoice } from './image-content.js';

/** The images of a store. */
export function storeSource({ blobs }: Pick<Store, 'blobs'>): ContentSource {
  return {
    document: async (descriptor) => ({ descriptor, bytes: await blobs.read(descriptor) }),
    open: async (descriptor) => await blobs.open(descriptor),
    has: async ({ digest }) => await blobs.has(digest),
  };
}

/**
 * What an image in the store stands for: itself; or, when platforms are asked for, the index that it was found through.
 * @throws `PLATFORM_NOT_FOUND` when the store lacks what is asked for
 */
export async function storedRoot(
  image: StoredImage,
  platforms: PlatformChoice | undefined,
  store: Store,
): Promise<ManifestDescriptor> {
  if (platforms === undefined) return image.index ?? image.descriptor;
  const index = image.index ?? (await indexOf(image, store));
  if (index === undefined) {
    if (platforms !== 'all') for (const platform of platforms) await checkPlatform(image, platform, store);
    return image.descriptor;
  }
  await checkPresent(image, index, { platforms, store });
  return index;
}

/** The index that a pulled image was chosen from, if the store has it. */
async function indexOf({ resolved }: StoredImage, { blobs }: Store): Promise<ManifestDescriptor | undefined> {
  const size = resolved === undefined ? undefined : await blobs.size(resolved);
  if (resolved === undefined || size === undefined) return undefined;
  const mediaType = manifestMediaType(await blobs.read({ digest: resolved, size }), { name: resolved });
  return isIndexMediaType(mediaType) ? { mediaType, digest: resolved, size } : undefined;
}

async function checkPlatform(image: StoredImage, platform: Platform, { images }: Store): Promise<void> {
  const config = await images.config(await images.manifest(image.descriptor));
  if (platformSatisfies(config.value, platform)) return;
  throw lacking(image, formatPlatform(platform), `it is for ${formatPlatform(config.value)}`);
}

async function checkPresent(
  image: StoredImage,
  index: ManifestDescriptor,
  { platforms, store: { blobs } }: { readonly platforms: PlatformChoice; readonly store: Store },
): Promise<void> {
  const { mediaType, ...rest } = index;
  if (!isIndexMediaType(mediaType)) return;
  const { value } = decodeIndex(await blobs.read(rest), { ...rest, mediaType });
  const wanted =
    platforms === 'all' ? value.manifests : platforms.flatMap((platform) => selectPlatform(value, platform) ?? []);
  for (const entry of wanted) {
    if (await blobs.has(entry.digest)) continue;
    const what = entry.platform === undefined || isAttestation(entry) ? entry.digest : formatPlatform(entry.platform);
    throw lacking(image, what, 'the store does not have it');
  }
}

function lacking({ name, descriptor }: StoredImage, what: string, state: string): TsbuildError {
  const image = name === null ? descriptor.digest : formatReference(name);
  return new TsbuildError('PLATFORM_NOT_FOUND', `cannot use "${image}" for ${what}: ${state}`, {
    hint: `Fetch it first with "tsbuild pull --platform ${what} ${image}", or copy it from its registry.`,
  });
}

/**
 * Gives an image whose blobs are all in the store its name there. Of an index, the image for this machine, else the first.
 * @throws `PLATFORM_NOT_FOUND` when the index lists no image
 */
export async function storedImage(
  root: ManifestDescriptor,
  name: (Reference & { readonly tag: string }) | null,
  { blobs }: Store,
): Promise<StoredImage> {
  const { annotations: _annotations, platform: _platform, ...descriptor } = root;
  const { mediaType } = descriptor;
  if (isManifestMediaType(mediaType)) return { name, descriptor: { ...descriptor, mediaType } };
  let index = decodeManifestOrIndex(await blobs.read(descriptor), descriptor);
  for (let depth = 0; depth < 4 && 'manifests' in index.value; depth += 1) {
    const images = index.value.manifests.filter((entry) => !isAttestation(entry));
    const chosen = selectPlatform({ ...index.value, manifests: images }, hostPlatform()) ?? images[0];
    if (chosen === undefined) break;
    index = decodeManifestOrIndex(await blobs.read(chosen), chosen);
  }
  const { digest, size, mediaType: chosenType } = index.descriptor;
  if (!isManifestMediaType(chosenType) || !isIndexMediaType(mediaType)) throw noImage(root.digest);
  return {
    name,
    descriptor: { mediaType: chosenType, digest, size },
    resolved: root.digest,
    index: { ...descriptor, mediaType },
  };
}

function noImage(digest: Digest): TsbuildError {
  return new TsbuildError('PLATFORM_NOT_FOUND', `cannot name index "${digest}": it lists no image`, {
    hint: 'The store keeps images; copy such an index to a registry, an archive or a layout.',
  });
}
