import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { LayerCompressor } from './compress-layer.js';
import type { Digest } from '../../oci/digest.js';
import { parsePlatform, type Platform } from '../../oci/platform.js';
import { formatReference } from '../../oci/reference.js';
import { createContentDigester } from '../../layers/compression/content-digester.js';
import { inArchive } from '../../registry/archive/archive-error.js';
import { openArchive } from '../../registry/archive/files/open-archive.js';
import { writeParts } from '../../registry/archive/files/write-parts.js';
import { listArchive } from '../../registry/archive/read/list-archive.js';
import { loadArchive } from '../../registry/archive/read/load-archive.js';
import { SINCE_ANNOTATION } from '../../registry/archive/since-annotation.js';
import { indexEntries } from '../../registry/archive/write/archive-documents.js';
import { listImage, packedBlobs, type SavedSince } from '../../registry/archive/write/pack-images.js';
import { openImages, saveArchive, type ImagesToSave } from '../../registry/archive/write/save-archive.js';
import { writeLayout } from '../../registry/copy/oci-layout.js';
import { findImage } from '../../store/images/find-image.js';
import type { StoredImage } from '../../store/image-store.js';
import type { Store } from '../../store/store.js';
import { writeOutputFile } from '../../support/output-file.js';
import { keptTars } from './kept-tars.js';
import { byteProgress, compressionEvents } from './transfer-events.js';

import type { LoadedImage, LoadOptions, SavedFile, SaveFilesOptions, SaveOptions } from '../toolchain-types.js';
import type { ActivityOptions } from '../activity-options.js';

// Save and load, put together: loaded when one of them is asked for.

/** Of those that check layers: each holds some megabytes, and disks are no faster. */
const MAX_THREADS = 8;
/** Images may hold what others on the machine should not read; docker save does the same. */
const ARCHIVE_MODE = 0o600;

type Activity = Required<{ [K in keyof ActivityOptions]: NonNullable<ActivityOptions[K]> }>;

export interface ArchivesContext extends Activity {
  readonly store: Store;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export async function saveStream(
  names: readonly string[],
  options: SaveOptions,
  context: ArchivesContext,
): Promise<AsyncIterable<Uint8Array>> {
  return saving(await imagesToSave(names, options, context), options.format, context);
}

async function* saving(
  images: ImagesToSave,
  format: SaveOptions['format'],
  { progress, now }: ArchivesContext,
): AsyncGenerator<Uint8Array, void, undefined> {
  const bytes = byteProgress(progress, { step: 'save', item: 'images', direction: 'write', now });
  yield* saveArchive({ ...images, format, onTotal: bytes.setTotal, onBytes: bytes.onBytes });
  bytes.finish();
}

export async function saveFiles(
  names: readonly string[],
  options: SaveFilesOptions,
  context: ArchivesContext,
): Promise<readonly SavedFile[]> {
  const { format, output: path, splitBytes, checksums = false } = options;
  const images = await imagesToSave(names, options, context);
  const { signal } = context;
  if (format === 'oci-dir') {
    await saveLayout(images, path, context);
    return [];
  }
  const archive = saving(images, format, context);
  if (splitBytes === undefined && !checksums) {
    await writeOutputFile(path, archive, { cwd: dirname(path), mode: ARCHIVE_MODE, signal });
    return [];
  }
  const files = await writeParts(archive, { path, splitBytes, mode: ARCHIVE_MODE, signal });
  return files.map(({ path: file, size }) => ({ path: file, size }));
}

async function saveLayout(images: ImagesToSave, folder: string, context: ArchivesContext): Promise<void> {
  const { progress, now, signal } = context;
  await using saved = await openImages(images, 'oci-archive');
  const bytes = byteProgress(progress, { step: 'save', item: 'images', direction: 'write', now });
  const blobs = packedBlobs(saved.images, images.since);
  bytes.setTotal(blobs.reduce((sum, { size }) => sum + size, 0));
  const entries: object[] = [];
  for (const image of saved.images) entries.push(...indexEntries(await listImage(image, signal)));
  const contents = saved.images.map(({ content }) => content);
  const since = images.since?.names ?? [];
  const annotations = since.length === 0 ? undefined : { [SINCE_ANNOTATION]: since.join(' ') };
  await writeLayout(folder, { blobs, contents, entries, annotations, signal, onBytes: bytes.onBytes });
  bytes.finish();
}

/** An image that is named twice is saved once, with both names. */
async function imagesToSave(
  names: readonly string[],
  { platforms, compress, compressionLevel, since = [] }: Omit<SaveOptions, 'format'>,
  { store, signal, progress, now }: ArchivesContext,
): Promise<ImagesToSave> {
  const images = new Map<Digest, { image: StoredImage; names: string[] }>();
  for (const name of names) {
    const { image, byId } = await findImage(store.images, name);
    const digest = image.index?.digest ?? image.descriptor.digest;
    const saved = images.get(digest) ?? { image, names: [] };
    if (!byId && image.name !== null) saved.names.push(formatReference(image.name));
    images.set(digest, saved);
  }
  const progressOf = compressionEvents(progress, { step: 'save', now });
  const compressor = new LayerCompressor(store, { signal, level: compressionLevel, progressOf });
  return {
    images: [...images.values()],
    store,
    platforms: platformChoice(platforms),
    compress,
    compressLayer: async (layer, compression) => await compressor.compress(layer, compression),
    since: since.length === 0 ? undefined : await readSince(since, store, signal),
    signal,
  };
}

export function platformChoice(platforms: SaveOptions['platforms']): readonly Platform[] | 'all' | undefined {
  return platforms === undefined || platforms === 'all' ? platforms : platforms.map(parsePlatform);
}

async function readSince(since: readonly string[], store: Store, signal: AbortSignal): Promise<SavedSince> {
  const digests = new Set<Digest>();
  const names: string[] = [];
  for (const text of since) {
    const had = text.startsWith('/') ? await archiveContents(text, signal) : await imageContents(text, store);
    for (const digest of had.digests) digests.add(digest);
    names.push(...had.names);
  }
  return { digests, names: [...new Set(names)] };
}

async function archiveContents(path: string, signal: AbortSignal): ReturnType<typeof listArchive> {
  await using archive = await openArchive([path]);
  try {
    return await listArchive(archive.source, { signal });
  } catch (error) {
    throw inArchive(error, archive.shown);
  }
}

async function imageContents(text: string, { images }: Store): ReturnType<typeof listArchive> {
  const { image, imageId } = await findImage(images, text);
  const manifest = await images.manifest(image.descriptor);
  const { diff_ids: diffIds } = (await images.config(manifest)).value.rootfs;
  const layers = manifest.value.layers.map(({ digest }) => digest);
  return {
    digests: new Set([...layers, ...diffIds]),
    names: [image.name === null ? imageId : formatReference(image.name)],
  };
}

export async function load(
  source: AsyncIterable<Uint8Array> | readonly string[],
  { platform, streamName }: LoadOptions,
  { store, env, progress, signal, now }: ArchivesContext,
): Promise<readonly LoadedImage[]> {
  // One more than there are processors, so that the largest layer has begun before the last of the others is done.
  await using digester = createContentDigester({ threads: Math.min(availableParallelism() + 1, MAX_THREADS) });
  await using opened = isStream(source) ? streamed(source, streamName) : await openArchive(source);
  const bytes = byteProgress(progress, { step: 'load', item: 'archive', direction: 'read', now });
  bytes.setTotal(opened.size);
  const loaded = await loadArchive({
    source: opened.source,
    shown: opened.shown,
    store,
    platform: platform === undefined ? undefined : parsePlatform(platform),
    digester,
    tars: keptTars({ store, env }),
    signal,
    onBytes: bytes.onBytes,
  });
  bytes.finish();
  return loaded.map(({ name, imageId }) => ({ name: name === null ? null : formatReference(name), imageId }));
}

function isStream(source: AsyncIterable<Uint8Array> | readonly string[]): source is AsyncIterable<Uint8Array> {
  return Symbol.asyncIterator in source;
}

function streamed(source: AsyncIterable<Uint8Array>, shown = 'the archive'): Awaited<ReturnType<typeof openArchive>> {
  return { shown, source, size: undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
}
