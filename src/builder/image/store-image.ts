import type { Reference } from '../../oci/reference.js';
import type { BlobStore } from '../../store/blob-store.js';
import type { StoredImage } from '../../store/image-store.js';
import type { Store } from '../../store/store.js';
import type { ConfigMediaType, IndexMediaType, ManifestMediaType } from '../../oci/media-type.js';
import type { AssembledImage, Document } from './assemble-image.js';

/** Writes an image's documents, then its names: a name is there only after all that it reaches (invariant I2). */
export async function storeImage(
  store: Pick<Store, 'blobs' | 'images'>,
  image: AssembledImage,
  names: readonly (Reference & { readonly tag: string })[],
): Promise<void> {
  await storeDocuments(store.blobs, image);
  await nameImage(store.images, { descriptor: image.manifest.descriptor }, names);
}

/** Its documents are there. Without a name it is listed all the same. */
export async function nameImage(
  images: Store['images'],
  { descriptor, index }: Omit<StoredImage, 'name'>,
  names: readonly (Reference & { readonly tag: string })[],
): Promise<void> {
  if (names.length === 0) {
    const listed = (await images.list()).some(
      (known) =>
        known.descriptor.digest === descriptor.digest && (index === undefined || known.index?.digest === index.digest),
    );
    if (!listed) await images.put({ name: null, descriptor, index });
  }
  for (const name of names) await images.put({ name, descriptor, index });
}

export async function storeDocuments(blobs: BlobStore, { config, manifest }: AssembledImage): Promise<void> {
  await storeDocument(blobs, config);
  await storeDocument(blobs, manifest);
}

/** What is there already is not written again: a build that is all cache writes nothing. */
export async function storeDocument(
  blobs: BlobStore,
  { descriptor, bytes }: Document<ConfigMediaType | ManifestMediaType | IndexMediaType>,
): Promise<void> {
  if (await blobs.has(descriptor.digest)) return;
  await blobs.ingest(once(bytes), { expect: descriptor });
}

// eslint-disable-next-line @typescript-eslint/require-await -- an AsyncIterable of one chunk that is there already
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
