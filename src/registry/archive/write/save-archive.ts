import type { Descriptor } from '../../../oci/descriptor.js';
import type { Digest } from '../../../oci/digest.js';
import { formatReference, parseReference } from '../../../oci/reference.js';
import type { BlobStore } from '../../../store/blob-store.js';
import { discardBlobs } from '../../../store/garbage/collect.js';
import type { StoredImage } from '../../../store/image-store.js';
import type { Store } from '../../../store/store.js';
import { TsbuildError } from '../../../support/errors.js';
import { convertImage, type CompressLayer } from '../../copy/convert-image.js';
import { readContent, type PlatformChoice } from '../../copy/image-content.js';
import { storedRoot, storeSource } from '../../copy/store-content.js';
import type { TaggedReference } from '../read/archive-image.js';
import type { ArchiveFormat } from './archive-documents.js';
import { packedBlobs, packImages, type ArchivedImage, type SavedSince } from './pack-images.js';

export interface ImagesToSave {
  /** With the full names that each has in the archive; none for an image that is found by its id alone. */
  readonly images: readonly { readonly image: StoredImage; readonly names: readonly string[] }[];
  readonly store: Store;
  /** Of images that are for several platforms; unless given, all that the name stands for in the store. */
  readonly platforms?: PlatformChoice | undefined;
  /** How layers are compressed in the archive; unless given, as they are kept. */
  readonly compress?: 'none' | 'gzip' | 'zstd' | undefined;
  /** Needed for `compress`. */
  readonly compressLayer?: CompressLayer | undefined;
  readonly since?: SavedSince | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SaveOptions extends ImagesToSave {
  /** `docker-archive` unless given. */
  readonly format?: ArchiveFormat | undefined;
  /** Called once, with the bytes of all configs and layers, before the first of them is read. */
  readonly onTotal?: ((bytes: number) => void) | undefined;
  /** Called with the number of bytes of configs and layers that have just been read. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

/**
 * A tar archive that every docker load, podman load and skopeo reads, by either name (`docker-archive:`, `oci-archive:`): an OCI
 * image layout with, unless the format is `oci-archive`, Docker's `manifest.json` beside. Equal images and names give equal bytes.
 * Nothing comes before all blobs are known to be there; each is checked on its way out.
 * @throws `STORE_IO`, `DIGEST_MISMATCH`, `DOCUMENT_INVALID`, `PLATFORM_NOT_FOUND`, `ABORTED`
 */
export async function* saveArchive(options: SaveOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const { format = 'docker-archive', since, signal, onBytes } = options;
  await using saved = await openImages(options, format);
  options.onTotal?.(packedBlobs(saved.images, since).reduce((sum, { size }) => sum + size, 0));
  yield* packImages(saved.images, { format, since, signal, onBytes });
}

export interface OpenImages extends AsyncDisposable {
  readonly images: readonly ArchivedImage[];
}

/**
 * The images with their layers in the form in which they are saved, all of them known to be in the store. Disposing of it
 * removes what was made for it.
 */
export async function openImages(options: ImagesToSave, format: ArchiveFormat): Promise<OpenImages> {
  const { store, signal, since } = options;
  const added = new Set<Digest>();
  const lock = await store.lock('shared', { signal });
  const close = async (): Promise<void> => {
    lock[Symbol.dispose]();
    await discardBlobs(store, added);
  };
  try {
    const images: ArchivedImage[] = [];
    for (const { image, names } of options.images) {
      const content = await openImage(image, options, { added, format });
      images.push({ content, names: names.map(readName) });
    }
    await checkBlobs(packedBlobs(images, since), store.blobs);
    return { images, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openImage(
  image: StoredImage,
  { store, platforms, compress, compressLayer = noCompressor, signal }: ImagesToSave,
  { added, format }: { readonly added: Set<Digest>; readonly format: ArchiveFormat },
): Promise<ArchivedImage['content']> {
  const root = await storedRoot(image, platforms, store);
  const name = image.name === null ? image.descriptor.digest : formatReference(image.name);
  const content = await readContent(root, { name, source: storeSource(store), platforms: platforms ?? 'all', signal });
  const isDocker = format === 'docker-archive';
  const form = compress ?? (isDocker ? 'readable' : undefined);
  return await convertImage(content, {
    form,
    ociTypes: !isDocker,
    blobs: store.blobs,
    added,
    compress: compressLayer,
    signal,
  });
}

function noCompressor(): Promise<never> {
  return Promise.reject(new Error('saving in another form needs something that compresses'));
}

function readName(text: string): TaggedReference {
  const { registry, repository, tag = 'latest' } = parseReference(text);
  return { registry, repository, tag };
}

async function checkBlobs(wanted: readonly Descriptor<string>[], blobs: BlobStore): Promise<void> {
  for (const { digest, urls } of wanted) {
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
