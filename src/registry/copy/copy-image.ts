import { isConfigMediaType } from '../../oci/decode.js';
import type { Digest } from '../../oci/digest.js';
import type { ManifestDescriptor } from '../../oci/image.js';
import { formatReference, parseReference, withDefaultTag, type Reference } from '../../oci/reference.js';
import { discardBlobs } from '../../store/garbage/collect.js';
import { findImage } from '../../store/images/find-image.js';
import type { Store } from '../../store/store.js';
import { isTsbuildError, TsbuildError } from '../../support/errors.js';
import { writeOutputFile } from '../../support/output-file.js';
import { openArchive } from '../archive/files/open-archive.js';
import { archiveInvalid, inArchive, shownArchive } from '../archive/archive-error.js';
import type { TaggedReference } from '../archive/read/archive-image.js';
import { indexEntries, type ArchiveFormat } from '../archive/write/archive-documents.js';
import { listImage, packedBlobs, packImages, type ArchivedImage } from '../archive/write/pack-images.js';
import { blobProgress, type BlobSink } from '../blob-event.js';
import type { RegistryClient } from '../registry-client.js';
import { chooseEntry, labelledEntries, openArchiveContent, type FoundContent } from './archive-content.js';
import { findMountSources, type MountSources } from '../images/mount-sources.js';
import { convertImage, type CompressLayer } from './convert-image.js';
import { asBlob, deliverToRegistry, deliverToStore } from './deliver.js';
import { readContent, type ImageContent, type PlatformChoice } from './image-content.js';
import { formatImageLocation, type ImageLocation } from './image-location.js';
import { openLayout, writeLayout } from './oci-layout.js';
import { storedRoot, storeSource } from './store-content.js';

export interface CopyOptions {
  readonly from: ImageLocation;
  readonly to: ImageLocation;
  /** Of an image for several platforms; unless given, the one for this machine alone. */
  readonly platforms?: PlatformChoice | undefined;
  readonly store: Store;
  /** Asked for once, if at all. */
  readonly client: () => Promise<RegistryClient>;
  readonly compress: CompressLayer;
  readonly onBlob?: BlobSink | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Copies an image from one place to another, byte for byte and without unpacking it: its digest stays. Some things make another
 * manifest of it: choosing some platforms of an index; the zstd layers of a docker-archive, which are written plain; layers that
 * the store keeps plain, which go to a registry as gzip; Docker's media types, which OCI layouts and archives do not have.
 * @returns what is there now
 * @throws `IMAGE_NOT_FOUND`, `PLATFORM_NOT_FOUND`, `ARCHIVE_INVALID`, `DIGEST_MISMATCH`, `REGISTRY_*`, `OUTPUT_FAILED`, `DISK_FULL`,
 * `ABORTED`
 */
export async function copyImage(options: CopyOptions): Promise<ManifestDescriptor> {
  const { from, to, store, signal } = options;
  const added = new Set<Digest>();
  try {
    await using found = await openSource(options);
    const content = await contentOf(found, options);
    const sent = await convertImage(content, {
      form: formFor(from, to),
      ociTypes: to.transport === 'oci' || to.transport === 'oci-archive',
      blobs: store.blobs,
      added,
      compress: options.compress,
      signal,
    });
    await deliver(sent, options);
    return sent.root;
  } finally {
    await discardBlobs(store, added);
  }
}

async function contentOf(
  { root, source }: FoundContent,
  { from, platforms, signal }: CopyOptions,
): Promise<ImageContent> {
  try {
    return await readContent(root, { name: formatImageLocation(from), source, platforms, signal });
  } catch (error) {
    if (!('path' in from)) throw error;
    throw inArchive(error, shownArchive(from.path, from.transport === 'oci' ? 'layout' : 'archive'));
  }
}

function formFor(from: ImageLocation, to: ImageLocation): 'readable' | 'packed' | undefined {
  if (to.transport === 'docker-archive') return 'readable';
  return to.transport === 'docker' && from.transport !== 'docker' ? 'packed' : undefined;
}

async function openSource(options: CopyOptions): Promise<FoundContent> {
  const { from, store, platforms, signal } = options;
  const nothing = { [Symbol.asyncDispose]: () => Promise.resolve() };
  switch (from.transport) {
    case 'docker': {
      const { tag = 'latest', digest } = from.reference;
      const source = (await options.client()).repository(from.reference);
      const root = await source.resolve(digest === undefined ? { tag } : { digest }, { signal });
      return {
        root,
        source: {
          document: async (descriptor) => ({ descriptor, bytes: await source.fetchDocument(descriptor, { signal }) }),
          open: async (descriptor, transfer) => await source.openBlob(asBlob(descriptor), transfer),
        },
        ...nothing,
      };
    }
    case 'store': {
      const { image } = await findImage(store.images, from.name);
      return { root: await storedRoot(image, platforms, store), source: storeSource(store), ...nothing };
    }
    case 'oci': {
      const source = await openLayout(from.path);
      const wanted = { name: from.name, shown: from.path };
      return { root: chooseEntry(labelledEntries(source.entries), wanted).descriptor, source, ...nothing };
    }
    case 'docker-archive':
    case 'oci-archive':
      return await openFile(from, options);
  }
}

type PathLocation = Extract<ImageLocation, { readonly path: string }>;

async function openFile(from: PathLocation, { store, signal }: CopyOptions): Promise<FoundContent> {
  await using archive = await openArchive([from.path]);
  const { source } = archive;
  if ('layout' in source) {
    const error = archiveInvalid('it is a folder', { hint: 'Write oci: for a folder that is an OCI layout.' });
    throw inArchive(error, shownArchive(from.path));
  }
  return await openArchiveContent(source, { name: from.name, shown: from.path, store, signal });
}

async function deliver(content: ImageContent, options: CopyOptions): Promise<void> {
  const { from, to, store, onBlob, signal } = options;
  switch (to.transport) {
    case 'docker': {
      const { digest, tag } = to.reference;
      if (digest !== undefined) throw namedByDigest(to);
      const target = (await options.client()).repository(to.reference);
      const mountSources = await mountSourcesFor(from, to.reference, store);
      await deliverToRegistry(content, target, { tag, mountSources, onBlob, signal });
      return;
    }
    case 'store':
      await deliverToStore(content, store, {
        name: storeName(to),
        fromRegistry: from.transport === 'docker',
        onBlob,
        signal,
      });
      return;
    case 'oci':
      await deliverToLayout({ content, ...namesFor(from, to) }, to.path, options);
      return;
    case 'docker-archive':
    case 'oci-archive':
      await deliverToFile({ content, ...namesFor(from, to) }, to, { format: to.transport, options });
  }
}

/** What comes from another repository of the registry need not leave it; nor what the store knows to be there. */
async function mountSourcesFor(from: ImageLocation, target: Reference, store: Store): Promise<MountSources> {
  if (from.transport !== 'docker' || from.reference.registry !== target.registry) {
    return await findMountSources(store, target);
  }
  const { registry, repository } = from.reference;
  return () => (repository === target.repository ? undefined : { registry, repository });
}

async function deliverToLayout(image: ArchivedImage, folder: string, { onBlob, signal }: CopyOptions): Promise<void> {
  const total = totalProgress(image, onBlob);
  const entries = indexEntries(await listImage(image, signal));
  await writeLayout(folder, {
    blobs: image.content.blobs,
    contents: [image.content],
    entries,
    signal,
    onBytes: total.onBytes,
  });
  total.finish();
}

async function deliverToFile(
  image: ArchivedImage,
  to: PathLocation,
  { format, options: { onBlob, signal } }: { readonly format: ArchiveFormat; readonly options: CopyOptions },
): Promise<void> {
  const total = totalProgress(image, onBlob);
  const bytes = packImages([image], { format, signal, onBytes: total.onBytes });
  // Images may hold what others on the machine should not read; docker save does the same.
  await writeOutputFile(to.path, bytes, { cwd: '/', mode: 0o600, signal });
  total.finish();
}

/** Blobs go into a file one after another: who watches sees the largest layer grow with all of them. */
function totalProgress(
  image: ArchivedImage,
  sink: BlobSink | undefined,
): { readonly onBytes: (count: number) => void; readonly finish: () => void } {
  const blobs = packedBlobs([image], undefined).filter(({ mediaType }) => !isConfigMediaType(mediaType));
  const [first] = blobs;
  if (first === undefined) return { onBytes: () => undefined, finish: () => undefined };
  const size = blobs.reduce((sum, blob) => sum + blob.size, 0);
  const { onBytes, finish } = blobProgress({ ...first, size }, sink);
  return {
    onBytes,
    finish: () => {
      finish(false);
    },
  };
}

/** What the image is called in an archive or a layout: as the user says, else as it was called where it came from. */
function namesFor(from: ImageLocation, to: PathLocation): Pick<ArchivedImage, 'names' | 'ref'> {
  if (to.name === undefined) {
    const name = from.transport === 'docker' ? from.reference : nameIn(from.name);
    const tagged = name === undefined ? undefined : taggedName(name);
    return { names: tagged === undefined ? [] : [tagged] };
  }
  const tagged = taggedName(nameIn(to.name));
  if (to.transport === 'docker-archive') {
    if (tagged === undefined) throw namedByDigest(to);
    return { names: [tagged] };
  }
  // A tag alone does not say of what, and is a label all the same.
  return /[:/]/.test(to.name) && tagged !== undefined ? { names: [tagged], ref: to.name } : { names: [], ref: to.name };
}

function nameIn(text: string | undefined): Reference | undefined {
  if (text === undefined) return undefined;
  try {
    return parseReference(text);
  } catch (error) {
    // An id, or a label that is no name.
    if (isTsbuildError(error, 'REFERENCE_INVALID')) return undefined;
    throw error;
  }
}

function taggedName(name: Reference | undefined): TaggedReference | undefined {
  if (name === undefined || name.digest !== undefined) return undefined;
  const { registry, repository, tag } = withDefaultTag(name);
  return tag === undefined ? undefined : { registry, repository, tag };
}

function storeName(to: Extract<ImageLocation, { readonly transport: 'store' }>): TaggedReference {
  const name = taggedName(parseReference(to.name));
  if (name === undefined) throw namedByDigest(to);
  return name;
}

function namedByDigest(to: ImageLocation): TsbuildError {
  const name = to.transport === 'docker' ? formatReference(to.reference) : formatImageLocation(to);
  return new TsbuildError('REFERENCE_INVALID', `cannot copy to "${name}": that is no name with a tag`, {
    hint: 'Give a name and a tag: the digest follows from the image.',
  });
}
