import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inTurn } from '../../builder/operations/run/tree-snapshots.js';
import { applyLayer } from '../../layers/apply/apply-layer.js';
import type { Change } from '../../layers/change.js';
import { decompress } from '../../layers/compression/decompress.js';
import type { Ownership } from '../../layers/files/ownership.js';
import { createLayersTree } from '../../layers/layers-tree.js';
import type { TarEntry } from '../../layers/tar-entry.js';
import { TarParser } from '../../layers/tar/tar-parser.js';
import { writeTar } from '../../layers/tar/write-tar.js';
import { treeChanges } from '../../layers/tree-changes.js';
import { refuseWhiteoutName } from '../../layers/whiteout.js';
import { shownId } from '../care/prune-cache-mounts.js';
import { CacheMounts, holdCacheMount, listCacheMounts, type CacheMountEntry } from '../../store/cache-mounts.js';
import { checkSnapshotPlace } from '../../store/file-system.js';
import type { Store } from '../../store/store.js';
import { bytesOfText } from '../../support/byte-string.js';
import { abortable } from '../../support/byte-streams.js';
import { isTsbuildError, TsbuildError } from '../../support/errors.js';
import { currentIdMapping } from '../workshop/workshop.js';

export interface CacheMountArchiveOptions {
  readonly store: Store;
  readonly signal: AbortSignal;
}

/** Of the root of an archive: what tells this cache mount from others of its id. Never an attribute of a file. */
const VARIANT_XATTR = bytesOfText('user.tsbuild.cache-mount');
const DEFAULT_VARIANT = '[]';
const MAX_VARIANT = 256;

/**
 * The files of a cache mount as a tar: sorted, owners by number, times to the nanosecond, the same bytes for the same files. Steps
 * are kept from it until the last byte is taken.
 * @throws `USAGE` when there is none; `LAYER_INVALID` for a file named as a whiteout; `ABORTED`; system errors
 */
export async function* exportCacheMount(
  id: string,
  { store, signal }: CacheMountArchiveOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  using _lock = await store.lock('shared', { signal });
  const entry = chosen(id, listCacheMounts(directoryOf(store)));
  using _held = await holdCacheMount(entry.path, signal);
  yield* abortable(writeTar(inTurn(changesOf(entry))), `export cache mount "${id}"`, signal);
}

function* changesOf({ path, variant }: CacheMountEntry): Generator<Change, void, undefined> {
  const layers = [{ directory: bytesOfText(join(path, 'data')), owners: new Map() }];
  const tree = createLayersTree({ layers, ownership: currentOwnership() });
  for (const change of treeChanges(tree, bytesOfText(''), { hardLinks: true })) {
    if (change.kind !== 'upsert') continue;
    const { entry } = change;
    refuseWhiteoutName(entry.path);
    if (entry.path !== '') yield change;
    else
      yield { ...change, entry: { ...entry, xattrs: new Map([...entry.xattrs, [VARIANT_XATTR, bytesOf(variant)]]) } };
  }
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}

/** Of those that steps keep apart by number, the first; of those of several owners or sources, the plain one. */
function chosen(id: string, all: readonly CacheMountEntry[]): CacheMountEntry {
  const found = all.filter((entry) => shownId(entry.id) === id && entry.path.endsWith('/0'));
  const entry = found.find(({ variant }) => variant === DEFAULT_VARIANT) ?? (found.length === 1 ? found[0] : undefined);
  if (entry !== undefined) return entry;
  const shown = id.slice(0, 200);
  if (found.length > 1) {
    throw new TsbuildError(
      'USAGE',
      `cannot export cache mount "${shown}": several of other owners or sources have this id`,
      {
        hint: 'Give them different ids in the Dockerfile.',
      },
    );
  }
  throw new TsbuildError('USAGE', `cannot export cache mount "${shown}": there is none`, {
    hint: 'See tsbuild cache-mount ls for those that there are.',
  });
}

/**
 * Puts the files of a tar, compressed or not, in the place of those that a cache mount has, or makes it. Nothing changes unless all
 * of it could be read, and no step uses it.
 * @throws `LAYER_INVALID` for what is malformed or means to leave the directory; `DISK_FULL`; `STORE_IO`; `ABORTED`; what `tar` throws
 */
export async function importCacheMount(
  id: string,
  tar: AsyncIterable<Uint8Array>,
  { store, signal }: CacheMountArchiveOptions,
): Promise<void> {
  using _lock = await store.lock('shared', { signal });
  const directory = directoryOf(store);
  const ownership = currentOwnership();
  await checkSnapshotPlace(store, { attributes: ownership === 'recorded', execution: false });
  const known = listCacheMounts(directory).find((entry) => shownId(entry.id) === id);
  const { temporaryDirectory } = store;
  const mounts = new CacheMounts({ directory, temporaryDirectory });
  const fill = async (root: string): Promise<{ readonly variant: string }> => {
    await mkdir(root, { mode: 0o755 });
    const target = { root: bytesOfText(root), ownership, owners: new Map(), overlay: null };
    let variant = DEFAULT_VARIANT;
    const content = firstEntry(decompress(abortable(tar, `import cache mount "${id}"`, signal)), (entry) => {
      variant = variantOf(entry);
    });
    await applyLayer(content, target, { signal });
    return { variant };
  };
  try {
    await mounts.replace(known?.id ?? `/${id}`, fill, signal);
  } catch (error) {
    throw isTsbuildError(error, 'LAYER_INVALID') ? unusable(id, error) : error;
  }
}

/** Passes an archive on, and says what tells its cache mount from others of the id. */
export async function* tellingVariant(
  tar: AsyncIterable<Uint8Array>,
  onVariant: (variant: string) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* firstEntry(tar, (entry) => {
    onVariant(variantOf(entry));
  });
}

/** Passes an archive on, and tells of its first entry. */
async function* firstEntry(
  tar: AsyncIterable<Uint8Array>,
  onEntry: (entry: TarEntry) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let parser: TarParser | undefined = new TarParser();
  for await (const chunk of tar) {
    for (const event of parser?.push(chunk) ?? []) {
      if (event.kind !== 'entry') continue;
      onEntry(event.entry);
      parser = undefined;
      break;
    }
    yield chunk;
  }
}

/** Whatever it says, it can only be another cache mount of the id that the user gave. */
function variantOf({ path, xattrs }: TarEntry): string {
  const value = path === '' ? xattrs.get(VARIANT_XATTR) : undefined;
  return value === undefined || value.byteLength > MAX_VARIANT ? DEFAULT_VARIANT : Buffer.from(value).toString('utf8');
}

function unusable(id: string, cause: TsbuildError): TsbuildError {
  const message = `cannot import cache mount "${id.slice(0, 200)}": the archive is no good: ${cause.message}`;
  return new TsbuildError('LAYER_INVALID', message, {
    hint: cause.hint ?? 'Give an archive that tsbuild cache-mount export has written.',
    cause,
  });
}

function directoryOf({ cacheMountsDirectory }: Store): string {
  return join(cacheMountsDirectory, currentIdMapping());
}

function currentOwnership(): Ownership {
  return currentIdMapping() === 'single' ? 'recorded' : 'real';
}
