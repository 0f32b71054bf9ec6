import { packArchive, type ArchiveMember } from '../../../layers/tar/archive.js';
import type { Digest } from '../../../oci/digest.js';
import { parseReference } from '../../../oci/reference.js';
import type { BlobInfo, BlobStore } from '../../../store/blob-store.js';
import { discardBlobs } from '../../../store/collect.js';
import type { StoredImage } from '../../../store/image-store.js';
import type { Store } from '../../../store/store.js';
import { abortable, throwIfAborted } from '../../../support/byte-streams.js';
import { compareBytes } from '../../../support/byte-string.js';
import { TsbuildError } from '../../../support/errors.js';
import { archiveDocuments, blobPath, type SavedImage } from './archive-documents.js';
import type { TaggedReference } from '../read/archive-image.js';
import { withPlainLayers } from './plain-layers.js';

export interface SaveOptions {
  /** With the full names that each has in the archive; none for an image that is found by its id alone. */
  readonly images: readonly { readonly image: StoredImage; readonly names: readonly string[] }[];
  readonly store: Store;
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes that have just been read from the store. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

/**
 * A tar archive that every docker load, podman load and skopeo reads, by either name (`docker-archive:`, `oci-archive:`): an OCI
 * image layout with Docker's `manifest.json` beside. Equal images and names give equal bytes. Nothing comes before all blobs are known
 * to be there; each is checked on its way out.
 * @throws `STORE_IO`, `DIGEST_MISMATCH`, `DOCUMENT_INVALID`, `ABORTED`
 */
export async function* saveArchive(options: SaveOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const { store, signal } = options;
  const added = new Set<Digest>();
  const lock = await store.lock('shared', { signal });
  try {
    const images: SavedImage[] = [];
    for (const { image, names } of options.images) images.push(await readImage(image, { names, store, added, signal }));
    await checkBlobs(images, store.blobs);
    yield* packArchive(members(images, options));
  } finally {
    lock[Symbol.dispose]();
    await discardBlobs(store, added);
  }
}

interface ReadImageOptions {
  readonly names: readonly string[];
  readonly store: Store;
  readonly added: Set<Digest>;
  readonly signal: AbortSignal | undefined;
}

async function readImage(image: StoredImage, { names, store, added, signal }: ReadImageOptions): Promise<SavedImage> {
  const manifest = await store.images.manifest(image.descriptor);
  const config = await store.images.config(manifest);
  const plain = await withPlainLayers({ manifest, config }, { blobs: store.blobs, added, signal });
  return { manifest: plain, config, names: names.map(readName) };
}

function readName(text: string): TaggedReference {
  const { registry, repository, tag = 'latest' } = parseReference(text);
  return { registry, repository, tag };
}

async function checkBlobs(images: readonly SavedImage[], blobs: BlobStore): Promise<void> {
  for (const { digest, urls } of images.flatMap(({ manifest }) => manifest.value.layers)) {
    if (await blobs.has(digest)) continue;
    const foreign = urls !== undefined && urls.length > 0;
    throw new TsbuildError('STORE_IO', `cannot save layer "${digest}": it is not in the store`, {
      hint: foreign
        ? 'Its registry may not pass it on: such images cannot be saved.'
        : 'Pull or build the image again.',
      details: { digest, state: 'missing' },
    });
  }
}

/** Sorted by name. A blob that several images share is there once. */
async function* members(
  images: readonly SavedImage[],
  { store, signal, onBytes }: SaveOptions,
): AsyncGenerator<ArchiveMember, void, undefined> {
  const layers = new Map<string, BlobInfo>();
  const documents = new Map<string, Uint8Array>(archiveDocuments(images).map(({ name, bytes }) => [name, bytes]));
  for (const { manifest, config } of images) {
    for (const layer of manifest.value.layers) layers.set(blobPath(layer.digest), layer);
    for (const { descriptor, bytes } of [config, manifest]) documents.set(blobPath(descriptor.digest), bytes);
  }
  const folders = new Set([...layers.keys(), ...documents.keys()].flatMap(foldersOf));
  for (const name of [...folders, ...layers.keys(), ...documents.keys()].toSorted(compareBytes)) {
    throwIfAborted('save archive', signal);
    const blob = layers.get(name);
    const bytes = documents.get(name) ?? new Uint8Array();
    if (blob === undefined) yield { name, size: bytes.byteLength, body: bytes };
    else yield { name, size: blob.size, body: counted(await store.blobs.open(blob), { signal, onBytes }) };
  }
}

/** `blobs/sha256/<hex>` is in `blobs/` and `blobs/sha256/`. */
function foldersOf(name: string): readonly string[] {
  const parts = name.split('/').slice(0, -1);
  return parts.map((_, index) => `${parts.slice(0, index + 1).join('/')}/`);
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  { signal, onBytes }: Pick<SaveOptions, 'signal' | 'onBytes'>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of abortable(source, 'save archive', signal)) {
    onBytes?.(chunk.byteLength);
    yield chunk;
  }
}
