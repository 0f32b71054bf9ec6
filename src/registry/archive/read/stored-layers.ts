import { decompress } from '../../../layers/compression/decompress.js';
import { layersOf } from '../../../oci/decode.js';
import type { Descriptor } from '../../../oci/descriptor.js';
import type { Digest } from '../../../oci/digest.js';
import { formatReference } from '../../../oci/reference.js';
import { isTsbuildError, type TsbuildError } from '../../../support/errors.js';
import { collect } from '../../../support/byte-streams.js';
import type { BlobInfo, BlobStore } from '../../../store/blob-store.js';
import type { Store } from '../../../store/store.js';
import { archiveInvalid } from '../archive-error.js';
import type { ArchiveImage, CompleteImage } from './archive-image.js';
import type { StagedMember } from './stage-members.js';

const MAGIC_LENGTH = 8;

/** What the images in the store say of their layers. */
export interface StoredLayers {
  /** `layerPair`s. */
  readonly pairs: ReadonlySet<string>;
  /** A blob that holds the tar of a diffId. */
  readonly byDiffId: ReadonlyMap<Digest, BlobInfo>;
}

/** Read once, when it is first asked for. */
export type KnownLayers = () => Promise<StoredLayers>;

export function layerPair(blob: Digest, diffId: Digest): string {
  return `${blob} ${diffId}`;
}

export function knownLayers({ images }: Pick<Store, 'images'>): KnownLayers {
  let layers: Promise<StoredLayers> | undefined;
  return async () => await (layers ??= readStoredLayers(images));
}

async function readStoredLayers(images: Store['images']): Promise<StoredLayers> {
  const pairs = new Set<string>();
  const byDiffId = new Map<Digest, BlobInfo>();
  for (const { descriptor } of await images.list()) {
    try {
      const manifest = await images.manifest(descriptor);
      const layers = layersOf(manifest, await images.config(manifest));
      for (const { descriptor, diffId } of layers) {
        const { digest, size } = descriptor;
        pairs.add(layerPair(digest, diffId));
        byDiffId.set(diffId, { digest, size });
      }
    } catch (error) {
      // An image that is damaged says nothing.
      if (!isTsbuildError(error)) throw error;
    }
  }
  return { pairs, byDiffId };
}

export interface CompleteOptions {
  readonly store: Pick<Store, 'blobs'>;
  readonly known: KnownLayers;
  /** Gets the blobs that were not in the store before. */
  readonly added: Set<Digest>;
  /** Names of what the archive was saved without. */
  readonly since: readonly string[];
}

/**
 * Layers that an archive was saved without, from the store: as they are, or as the tar of a compressed one that an image has.
 * @throws `ARCHIVE_INVALID` that names what is in neither
 */
export async function completeImages(
  images: readonly ArchiveImage[],
  options: CompleteOptions,
): Promise<readonly CompleteImage[]> {
  const missing: MissingLayer[] = [];
  const complete: CompleteImage[] = [];
  for (const image of images) {
    const layers: StagedMember[] = [];
    for (const [index, layer] of image.manifest.value.layers.entries()) {
      const member = image.layers[index] ?? (await storedLayer(layer, options));
      if (member === undefined) missing.push({ digest: layer.digest, image });
      else layers.push(member);
    }
    complete.push({ ...image, layers });
  }
  if (missing.length > 0) throw incomplete(missing, options.since);
  return complete;
}

async function storedLayer(
  layer: Pick<Descriptor, 'digest' | 'size'>,
  { store: { blobs }, known, added }: CompleteOptions,
): Promise<StagedMember | undefined> {
  const { digest, size } = layer;
  if ((await blobs.size(digest)) === size) return await memberOf(blobs, { digest, size });
  const source = (await known()).byDiffId.get(digest);
  if (source === undefined || (await blobs.size(source.digest)) !== source.size) return undefined;
  added.add(digest);
  return await memberOf(blobs, await blobs.ingest(decompress(await blobs.open(source)), { expect: { digest, size } }));
}

async function memberOf(blobs: BlobStore, { digest, size }: BlobInfo): Promise<StagedMember> {
  return { digest, size, magic: await firstBytes(blobs, { digest, size }), bytes: undefined, fromStore: true };
}

async function firstBytes(blobs: BlobStore, blob: BlobInfo): Promise<Buffer> {
  return await collect(start(await blobs.open(blob)), MAGIC_LENGTH);
}

async function* start(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    yield chunk.subarray(0, MAGIC_LENGTH);
    return;
  }
}

interface MissingLayer {
  readonly digest: Digest;
  readonly image: ArchiveImage;
}

function incomplete(missing: readonly MissingLayer[], since: readonly string[]): TsbuildError {
  const [first] = missing;
  const name = first?.image.names[0];
  const of = name === undefined ? 'an image' : `"${formatReference(name)}"`;
  const digests = [...new Set(missing.map(({ digest }) => digest))];
  const what = digests.length === 1 ? 'a layer' : `${digests.length} layers`;
  const state = `${what} of ${of} ${digests.length === 1 ? 'is' : 'are'} neither in it nor in the store: ${digests.join(', ')}`;
  if (since.length === 0) return archiveInvalid(state);
  return archiveInvalid(state, {
    hint: `It was saved without the layers of ${since.join(', ')}: load or pull that first, or save again without --since.`,
  });
}
