import { sameFile } from '../../../layers/same-file.js';
import type { TarEntry } from '../../../layers/tar-entry.js';
import type { Tree, TreeEntry } from '../../../layers/tree.js';
import { parentPath } from '../../../support/byte-path.js';
import type { ByteString } from '../../../support/byte-string.js';
import { wholeSeconds } from './whole-seconds.js';

export interface CandidateEntry {
  readonly path: ByteString;
  readonly entry: Omit<TarEntry, 'type' | 'path'> & Pick<TreeEntry, 'type'>;
  /** The first name of the file in the layer: its own path, unless it is a further name. */
  readonly first: ByteString;
  /** Content of a regular file; `undefined` when the entry is to count as new. */
  readonly read: (() => Iterable<Uint8Array>) | undefined;
}

/**
 * Which of the entries that a step would write the image has already, attributes, time and content: a layer tells what changed, as
 * with BuildKit. The parents of what changed are not among them, nor are the names of files with several: all of those are written.
 * @param candidates sorted by path
 */
export function unchangedEntries(base: Tree, candidates: Iterable<CandidateEntry>): ReadonlySet<ByteString> {
  const all = [...candidates];
  const linked = new Set(all.filter(({ path, first }) => path !== first).map(({ first }) => first));
  const needed = new Set<ByteString>();
  const unchanged = new Set<ByteString>();
  // Backwards: what is in a directory comes before the directory itself.
  for (const candidate of all.reverse()) {
    const { path } = candidate;
    if (!needed.has(path) && !linked.has(path) && isThere(base, candidate)) unchanged.add(path);
    else needed.add(parentPath(path));
  }
  return unchanged;
}

function isThere(base: Tree, { path, entry, read }: CandidateEntry): boolean {
  const existing = read === undefined ? undefined : base.lstat(path);
  if (existing === undefined || read === undefined) return false;
  const { xattrs, mtime } = entry;
  const there = { entry: existing, xattrs: base.xattrs(path), read: () => base.read(path) };
  return sameFile(there, { entry: { ...entry, mtime: wholeSeconds(mtime), inode: null }, xattrs, read });
}
