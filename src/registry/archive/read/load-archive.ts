import { Readable } from 'node:stream';
import type { ContentDigester } from '../../../layers/compression/content-digester.js';
import type { ExtractedMember } from '../../../layers/tar/archive.js';
import type { Digest } from '../../../oci/digest.js';
import { platformSatisfies, type Platform } from '../../../oci/platform.js';
import { formatReference, type Reference } from '../../../oci/reference.js';
import type { BlobStore } from '../../../store/blob-store.js';
import { discardBlobs } from '../../../store/garbage/collect.js';
import type { StoredImage } from '../../../store/image-store.js';
import type { Store } from '../../../store/store.js';
import type { TsbuildError } from '../../../support/errors.js';
import { archiveInvalid, inArchive } from '../archive-error.js';
import { archiveBytes } from './archive-bytes.js';
import { readImageName, type ArchiveImage, type CompleteImage, type StagedArchive } from './archive-image.js';
import { ContentDigests } from './content-digests.js';
import { layoutMembers } from './layout-members.js';
import { layerCompression } from './layer-compression.js';
import { normalizeMemberName } from './member-name.js';
import { readDockerImage, readDockerItems, type DockerArchiveItem } from './read-docker-images.js';
import type { TarKeeping } from './tar-keeping.js';
import { isOciArchive, noPlatform, readOciImages, savedSince } from './read-oci-images.js';
import { stageMembers, tarMembers } from './stage-members.js';
import { completeImages, knownLayers } from './stored-layers.js';
import { verifyLayers } from './verify-layers.js';

export interface LoadOptions {
  /**
   * The archive: plain, or compressed with gzip, zstd or xz; it is read to its end, and its chunks may not be used again. Or the
   * absolute path of a folder that is an OCI image layout.
   */
  readonly source: AsyncIterable<Uint8Array> | { readonly layout: string };
  /** What the archive is called in messages: `archive "image.tar"`; absent: `the archive`. */
  readonly shown?: string | undefined;
  readonly store: Store;
  /** Of an image for several platforms, the variant to load; unless given, the one for this machine, else the only one. */
  readonly platform?: Platform | undefined;
  /** Threads that check large layers while the archive is still being read; without them it is done here, and later. */
  readonly digester?: ContentDigester | undefined;
  /** What becomes of the tars of layers that these inflate; absent: they are dropped. */
  readonly tars?: TarKeeping | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes of `source` that have just been read. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

export interface LoadedImage {
  /** `null` for an image without a name. */
  readonly name: Reference | null;
  readonly image: StoredImage;
  /** Digest of the image config, which Docker calls the image id. */
  readonly imageId: Digest;
}

/**
 * Loads the images of an archive that `docker save`, `podman save`, skopeo, BuildKit or `saveArchive` has made: one element for
 * each name, and one for an image without. Every blob and every diffId is checked, and no image has its name before all images
 * are right. After a failure the store has the names that it had; blobs that were added are deleted when nobody else uses the store.
 * @throws `ARCHIVE_INVALID`, `DIGEST_MISMATCH`, `DOCUMENT_INVALID`, `LAYER_INVALID`, `PLATFORM_NOT_FOUND`, `DISK_FULL`, `STORE_IO`,
 * `ABORTED`; errors of `source` as they are
 */
export async function loadArchive(options: LoadOptions): Promise<readonly LoadedImage[]> {
  const { store, signal, shown = 'the archive' } = options;
  const added = new Set<Digest>();
  const lock = await store.lock('shared', { signal });
  try {
    await using contents = new ContentDigests({ store, digester: options.digester, tars: options.tars, signal });
    const known = knownLayers(store);
    const { images: found, since } = await readImages(options, { added, contents });
    const all = found.flatMap((image) => [image, ...(image.whole?.others ?? [])]);
    const images = await completeImages(all, { store, known, added, since });
    await storeLayers(images, store, added);
    await verifyLayers(images, { contents, known, signal });
    await contents.keep();
    await storeDocuments(images, store, added);
    return await nameImages(found, store);
  } catch (error) {
    lock[Symbol.dispose]();
    await discardBlobs(store, added);
    throw inArchive(error, shown);
  } finally {
    lock[Symbol.dispose]();
  }
}

interface ReadingImages {
  readonly added: Set<Digest>;
  readonly contents: ContentDigests;
}

interface FoundImages {
  readonly images: readonly ArchiveImage[];
  /** Names of what the archive was saved without. */
  readonly since: readonly string[];
}

async function readImages(options: LoadOptions, { added, contents }: ReadingImages): Promise<FoundImages> {
  const { blobs, layerIndexes } = options.store;
  const { platform, signal } = options;
  const members = await stageMembers(membersOf(options), {
    blobs,
    indexes: layerIndexes,
    added,
    signal,
    onStored: (member) => {
      if (layerCompression(member.magic) !== 'none') contents.begin(member);
    },
  });
  const archive = { members, blobs };
  const items = readDockerItems(archive);
  const ociImages = isOciArchive(archive) ? await readOciImages(archive, platform) : [];
  const images =
    ociImages.length === 0
      ? await readDockerImages(archive, items, added)
      : ociImages.map((image) => withDockerNames(archive, items ?? [], image));
  for (const image of images) checkPlatform(image, platform);
  return { images, since: savedSince(archive) };
}

function checkPlatform({ config, names: [name] }: ArchiveImage, platform: Platform | undefined): void {
  if (platform === undefined || platformSatisfies(config.value, platform)) return;
  throw noPlatform(name === undefined ? config.descriptor.digest : formatReference(name), platform);
}

function membersOf(options: LoadOptions): AsyncIterable<ExtractedMember> {
  const { source, signal, onBytes } = options;
  if (!('layout' in source)) return tarMembers(archiveBytes(source, options));
  return layoutMembers(source.layout, { signal, onBytes });
}

async function readDockerImages(
  archive: StagedArchive,
  items: readonly DockerArchiveItem[] | undefined,
  added: Set<Digest>,
): Promise<readonly ArchiveImage[]> {
  if (items === undefined) throw notAnImageArchive(archive);
  if (items.length === 0) throw archiveInvalid('it has no images');
  const images: ArchiveImage[] = [];
  for (const item of items) images.push(await readDockerImage(archive, item, added));
  return images;
}

/** Archives that are both things at once: an image that the OCI index leaves without a name may have one in Docker's list. */
function withDockerNames(
  { members }: StagedArchive,
  items: readonly DockerArchiveItem[],
  image: ArchiveImage,
): ArchiveImage {
  if (image.names.length > 0) return image;
  const { digest } = image.config.descriptor;
  const same = items.filter((item) => members.get(normalizeMemberName(item.config))?.digest === digest);
  return { ...image, names: same.flatMap(({ repoTags }) => repoTags.flatMap((text) => readImageName(text) ?? [])) };
}

function notAnImageArchive({ members }: StagedArchive): TsbuildError {
  if (members.get('repositories') !== undefined) {
    return archiveInvalid('it has a "repositories" and no "manifest.json", as archives of before 2016 do', {
      hint: 'Load it with an old Docker, and save it again with a newer one.',
    });
  }
  const found = members.names.slice(0, 5).map((name) => `"${name.slice(0, 100)}"`);
  const state = found.length === 0 ? 'no files' : `such files as ${found.join(', ')}`;
  return archiveInvalid(`it has neither a "manifest.json" nor an "index.json" with images, but ${state}`, {
    hint: 'Give an archive that docker save, podman save, skopeo or tsbuild save has made.',
  });
}

/** Small layers have stayed in memory until now. */
async function storeLayers(images: readonly CompleteImage[], { blobs }: Store, added: Set<Digest>): Promise<void> {
  for (const { digest, bytes } of images.flatMap(({ layers }) => layers)) {
    if (bytes !== undefined) await storeBytes(blobs, { digest, bytes }, added);
  }
}

async function storeDocuments(images: readonly ArchiveImage[], { blobs }: Store, added: Set<Digest>): Promise<void> {
  for (const { manifest, config, whole } of images) {
    for (const { digest, bytes } of whole?.blobs ?? []) {
      if (bytes !== undefined) await storeBytes(blobs, { digest, bytes }, added);
    }
    for (const { descriptor, bytes } of [config, manifest, ...(whole?.documents ?? [])]) {
      await storeBytes(blobs, { digest: descriptor.digest, bytes }, added);
    }
  }
}

async function storeBytes(
  blobs: BlobStore,
  { digest, bytes }: { readonly digest: Digest; readonly bytes: Uint8Array },
  added: Set<Digest>,
): Promise<void> {
  if (!(await blobs.has(digest))) added.add(digest);
  await blobs.ingest(Readable.from([bytes]), { expect: { digest, size: bytes.byteLength } });
}

async function nameImages(images: readonly ArchiveImage[], store: Store): Promise<readonly LoadedImage[]> {
  const loaded: LoadedImage[] = [];
  for (const { manifest, config, names, resolved, whole } of images) {
    // Of the index entry nothing else is kept, so that loading what was saved changes nothing.
    const { mediaType, digest, size } = manifest.descriptor;
    for (const name of names.length === 0 ? [null] : names) {
      const image = {
        name,
        descriptor: { mediaType, digest, size },
        ...(resolved === undefined ? {} : { resolved }),
        ...(whole === undefined ? {} : { index: whole.descriptor }),
      };
      if (!(await isKnown(image, store))) await store.images.put(image);
      loaded.push({ name, image, imageId: config.descriptor.digest });
    }
  }
  return loaded;
}

/** An image that has its name already keeps what is known of where it came from. */
async function isKnown({ name, descriptor, resolved }: StoredImage, { images }: Store): Promise<boolean> {
  if (name === null || resolved !== undefined) return false;
  return (await images.find(name))?.descriptor.digest === descriptor.digest;
}
