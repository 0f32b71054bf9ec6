import type { Change } from '../../../layers/change.js';
import type { TarEntry } from '../../../layers/tar-entry.js';
import type { Tree, TreeEntry } from '../../../layers/tree.js';
import { childPath, parentPath } from '../../../support/byte-path.js';
import { compareBytes, type ByteString } from '../../../support/byte-string.js';
import { unchangedEntries, type CandidateEntry } from './unchanged-entries.js';
import { wholeSeconds } from './whole-seconds.js';

/** One file that will be in the layer; several paths may be names of it. */
export interface DraftFile {
  /** All that its names have in common. */
  entry: Omit<TarEntry, 'path' | 'type'> & { readonly type: Exclude<TarEntry['type'], 'hardlink'> };
  /** Where the content of a file is. `archive`: it comes when the archive that holds it is read, by `DraftArchive.changes`. */
  readonly content?: 'archive' | (() => Iterable<Uint8Array>);
}

/** An archive that contents come from, in an order of its own. */
export interface DraftArchive {
  /** The changes of the files whose contents it has; `namesOf` gives the names that a file has in the end, sorted, or none. */
  changes(namesOf: (file: DraftFile) => readonly ByteString[]): AsyncIterable<Change>;
}

type NamedFile = readonly [path: ByteString, file: DraftFile];
/** Of each file, sorted. */
type FileNames = ReadonlyMap<DraftFile, readonly ByteString[]>;

/**
 * A layer while it is made: files over a root file system, and how both look together, so that what is copied later finds what was
 * copied before it.
 */
export class LayerDraft implements Pick<Tree, 'lstat' | 'xattrs'> {
  readonly #base: Tree;
  readonly #files = new Map<ByteString, DraftFile>();
  /** Directories of the base whose content is gone, as they were replaced by something else. */
  readonly #emptied = new Set<ByteString>();
  readonly #archives: DraftArchive[] = [];

  constructor(base: Tree) {
    this.#base = base;
  }

  lstat(path: ByteString): TreeEntry | undefined {
    const file = this.#files.get(path);
    if (file !== undefined) return { ...file.entry, inode: null };
    return this.#isGone(path) ? undefined : this.#base.lstat(path);
  }

  xattrs(path: ByteString): ReadonlyMap<ByteString, Uint8Array> {
    return this.#files.get(path)?.entry.xattrs ?? (this.#isGone(path) ? new Map() : this.#base.xattrs(path));
  }

  has(path: ByteString): boolean {
    return this.#files.has(path);
  }

  /** Puts a file where none is, or one that is no directory, or a directory where one is. */
  put(path: ByteString, file: DraftFile): void {
    this.#files.set(path, file);
  }

  /** The file at a path, to change it or to give it another name; one of the base becomes part of the layer. */
  adopt(path: ByteString): DraftFile | undefined {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const entry = this.lstat(path);
    if (entry === undefined || entry.type === 'socket') return undefined;
    const { inode: _, ...rest } = entry;
    const file: DraftFile = {
      entry: { ...rest, type: entry.type, xattrs: this.#base.xattrs(path) },
      ...(entry.type === 'file' ? { content: () => this.#base.read(path) } : {}),
    };
    this.#files.set(path, file);
    return file;
  }

  /** Takes away what is at a path, a directory with all that is in it. Something must be put in its place. */
  remove(path: ByteString): void {
    if (this.lstat(path)?.type === 'directory') {
      const below = `${path}/`;
      for (const other of this.#files.keys()) if (other.startsWith(below)) this.#files.delete(other);
      if (!this.#isGone(path) && this.#base.lstat(path)?.type === 'directory') this.#emptied.add(path);
    }
    this.#files.delete(path);
  }

  addArchive(archive: DraftArchive): void {
    this.#archives.push(archive);
  }

  /**
   * The changes of the layer: sorted, but that contents of archives come after all else, in the order of the archive, so that
   * each is read once and nothing is kept.
   */
  async *changes(): AsyncGenerator<Change, void, undefined> {
    const sorted = this.#sorted();
    const names = namesOf(sorted);
    const unchanged = unchangedEntries(this.#base, this.#candidates(sorted, names));
    for (const [path, file] of sorted) {
      if (file.content === 'archive' || unchanged.has(path)) continue;
      const [first = path] = names.get(file) ?? [];
      yield first === path ? upsert(path, file, file.content) : hardLink(path, file, first);
      if (this.#isEmptied(path, file)) yield { kind: 'opaque', path };
    }
    for (const archive of this.#archives) yield* archive.changes((file) => names.get(file) ?? []);
  }

  /** What of the files the image may have already. The contents of archives are not read for it: they count as new. */
  *#candidates(sorted: readonly NamedFile[], names: FileNames): Generator<CandidateEntry, void, undefined> {
    for (const [path, file] of sorted) {
      const [first = path] = names.get(file) ?? [];
      const { entry, content } = file;
      const isNew = content === 'archive' || first !== path || this.#isEmptied(path, file);
      const read = typeof content === 'function' ? content : () => [];
      yield { path, entry, first, read: isNew ? undefined : read };
    }
  }

  #isEmptied(path: ByteString, { entry }: DraftFile): boolean {
    return this.#emptied.has(path) && entry.type === 'directory';
  }

  #sorted(): readonly NamedFile[] {
    return [...this.#files].sort(([left], [right]) => compareBytes(left, right));
  }

  /** Whether what the base has at a path is hidden. */
  #isGone(path: ByteString): boolean {
    if (this.#emptied.size === 0) return false;
    for (let at = path; at !== ''; at = parentPath(at)) if (this.#emptied.has(at)) return true;
    return false;
  }
}

function namesOf(sorted: readonly NamedFile[]): FileNames {
  const names = new Map<DraftFile, ByteString[]>();
  for (const [path, file] of sorted) {
    const known = names.get(file);
    if (known === undefined) names.set(file, [path]);
    else known.push(path);
  }
  return names;
}

export function upsert(
  path: ByteString,
  { entry }: DraftFile,
  open?: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Change {
  const own = { ...entry, path, mtime: wholeSeconds(entry.mtime) };
  return open === undefined ? { kind: 'upsert', entry: own } : { kind: 'upsert', entry: own, open };
}

export function hardLink(path: ByteString, { entry }: DraftFile, target: ByteString): Change {
  const mtime = wholeSeconds(entry.mtime);
  return { kind: 'upsert', entry: { ...entry, path, type: 'hardlink', size: 0, linkTarget: target, mtime } };
}

/** A directory of a draft as if it were a root: links neither see nor reach what is outside of it. */
export function rootedAt(draft: Pick<Tree, 'lstat'>, directory: ByteString): Pick<Tree, 'lstat'> {
  if (directory === '') return draft;
  return { lstat: (path) => draft.lstat(path === '' ? directory : childPath(directory, path)) };
}
