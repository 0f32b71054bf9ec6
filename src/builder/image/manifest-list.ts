import { decodeIndex } from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';
import { digestOf, type Digest } from '../../oci/digest.js';
import type { ImageIndex, ManifestDescriptor } from '../../oci/image.js';
import { isManifestMediaType, MEDIA_TYPE, type ManifestMediaType } from '../../oci/media-type.js';
import { formatPlatform, hostPlatform, normalizePlatform } from '../../oci/platform.js';
import { familiarName, formatReference, type Reference } from '../../oci/reference.js';
import { selectPlatform } from '../../oci/select-platform.js';
import type { StoredImage } from '../../store/image-store.js';
import type { Store } from '../../store/store.js';
import { TsbuildError } from '../../support/errors.js';
import { invariant } from '../../support/invariant.js';
import { document } from './assemble-image.js';
import type { IndexedImage } from './assemble-index.js';
import { storeDocument } from './store-image.js';

export interface ListedImages {
  readonly name: Reference & { readonly tag: string };
  readonly digest: Digest;
  /** How many images it has now. */
  readonly images: number;
}

/**
 * Adds images, which are in the store, to the index that a name stands for, or makes it. An image takes the place of one for the
 * same platform. Builds that add to one list at a time wait for each other.
 * @throws `USAGE` when the name is that of a single image
 */
export async function addToList(
  name: ListedImages['name'],
  images: readonly IndexedImage[],
  { store, signal }: { readonly store: Pick<Store, 'blobs' | 'images' | 'claim'>; readonly signal: AbortSignal },
): Promise<ListedImages> {
  const work = digestOf(`manifest list ${formatReference(name)}`);
  using _claim = await store.claim(work, { signal });
  const former = await store.images.find(name);
  const before = former === undefined ? undefined : await listOf(former, name, store);
  const added = images.map(entryOf);
  const platforms = new Set(added.map(platformOf));
  const kept = (before?.manifests ?? []).filter((entry) => !platforms.has(platformOf(entry)));
  const value: ImageIndex = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociIndex,
    manifests: [...kept, ...added],
    ...(before?.annotations === undefined ? {} : { annotations: before.annotations }),
  };
  const index = document(MEDIA_TYPE.ociIndex, value);
  await storeDocument(store.blobs, index);
  await store.images.put({ name, descriptor: mainOf(value, added), index: index.descriptor });
  // What has lost its name stays in the store otherwise: as an image it is in the new list, as a list it is of no use.
  if (former !== undefined && former.index?.digest !== index.descriptor.digest) {
    await store.images.remove({ ...former, name: null });
  }
  return { name, digest: index.descriptor.digest, images: value.manifests.length };
}

/** What there is to add to. */
async function listOf(
  { index }: StoredImage,
  name: ListedImages['name'],
  { blobs }: Pick<Store, 'blobs'>,
): Promise<ImageIndex> {
  if (index !== undefined) return decodeIndex(await blobs.read(index), index).value;
  throw new TsbuildError(
    'USAGE',
    `cannot add to manifest list "${familiarName(name)}": the name is that of a single image`,
    { hint: 'Choose another name, or take the name away from the image with "tsbuild rmi".' },
  );
}

function entryOf({ manifest, platform, annotations }: IndexedImage): Descriptor<ManifestMediaType> {
  const { mediaType, digest, size } = manifest;
  const { os, architecture, variant } = platform;
  return {
    ...{ mediaType, digest, size },
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    platform: { architecture, os, ...(variant === undefined ? {} : { variant }) },
  };
}

function platformOf({ platform, digest }: ManifestDescriptor): string {
  return platform === undefined ? digest : formatPlatform(normalizePlatform(platform));
}

/** The one that stands for all where one image is wanted: this machine's, else the first that was added. */
function mainOf(index: ImageIndex, [first]: readonly Descriptor<ManifestMediaType>[]): Descriptor<ManifestMediaType> {
  const chosen = selectPlatform(index, hostPlatform());
  if (chosen !== undefined && isImage(chosen)) return chosen;
  invariant(first !== undefined, 'a build has an image at least');
  return first;
}

function isImage(descriptor: ManifestDescriptor): descriptor is Descriptor<ManifestMediaType> {
  return isManifestMediaType(descriptor.mediaType);
}
