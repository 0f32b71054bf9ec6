import { sameFile } from '../../layers/same-file.js';
import type { TarEntry } from '../../layers/tar-entry.js';
import type { Tree } from '../../layers/tree.js';
import { parentPath } from '../../support/byte-path.js';
import { compareBytes, type ByteString } from '../../support/byte-string.js';

export interface CandidateEntry {
  readonly entry: TarEntry;
  /** Content of a regular file. */
  readonly read: () => Iterable<Uint8Array>;
}

/**
 * Which of the entries that a step would write the image has already, attributes, time and content: a layer tells what changed, as
 * with BuildKit. The parents of what changed are not among them, nor are the names of files with several: all of those are written.
 */
export function unchangedEntries(
  base: Tree,
  candidates: ReadonlyMap<ByteString, CandidateEntry>,
): ReadonlySet<ByteString> {
  const linked = new Set([...candidates.values()].map(({ entry }) => entry.linkTarget));
  const needed = new Set<ByteString>();
  const unchanged = new Set<ByteString>();
  // Backwards: what is in a directory comes before the directory itself.
  for (const [path, candidate] of [...candidates].sort(([left], [right]) => compareBytes(right, left))) {
    if (!needed.has(path) && !linked.has(path) && isThere(base, candidate)) unchanged.add(path);
    else needed.add(parentPath(path));
  }
  return unchanged;
}

function isThere(base: Tree, { entry, read }: CandidateEntry): boolean {
  const { path, type, xattrs } = entry;
  const existing = base.lstat(path);
  if (existing === undefined || type === 'hardlink') return false;
  const there = { entry: existing, xattrs: base.xattrs(path), read: () => base.read(path) };
  return sameFile(there, { entry: { ...entry, type, inode: null }, xattrs, read });
}
