import { childPath, ROOT } from '../support/byte-path.js';
import type { ByteString } from '../support/byte-string.js';
import type { Change } from './change.js';
import { sameFile, type FileVersion } from './same-file.js';
import type { FileState } from './stated-tree.js';
import type { TarEntry } from './tar-entry.js';
import type { Tree, TreeEntry } from './tree.js';
import { refuseWhiteoutName } from './whiteout.js';

/** What a tree of files on a disk has beside (`StatedTree`). */
type PerhapsStated = Tree & { state?(path: ByteString): FileState | undefined };

/**
 * The changes that make one tree of another: in each directory first what is gone, then the rest, both sorted; parents before
 * children, also unchanged ones. As `diffDirectory` has them of a directory that was written to.
 * @throws `LAYER_INVALID` for a file whose name begins with `.wh.`
 */
export function* treeDifference(before: PerhapsStated, after: PerhapsStated): Generator<Change, void, undefined> {
  const trees = { before, after };
  const rewritten = new Set<string>();
  for (const { path, entry } of filesOf(after, ROOT)) {
    if (entry.inode !== null && !rewritten.has(entry.inode) && isChanged(trees, path, entry))
      rewritten.add(entry.inode);
  }
  yield* changesBelow({ ...trees, rewritten, links: new Map() }, ROOT);
}

interface Trees {
  readonly before: PerhapsStated;
  readonly after: PerhapsStated;
}

interface Difference extends Trees {
  /** Files with several names of which one changed: all are written, or a layer would lack what its hard links lead to. */
  readonly rewritten: ReadonlySet<string>;
  /** The first name of each of them. */
  readonly links: Map<string, ByteString>;
}

function* filesOf(
  tree: Tree,
  directory: ByteString,
): Generator<{ readonly path: ByteString; readonly entry: TreeEntry }, void, undefined> {
  for (const name of tree.list(directory)) {
    const path = childPath(directory, name);
    const entry = tree.lstat(path);
    if (entry?.type === 'directory') yield* filesOf(tree, path);
    else if (entry !== undefined) yield { path, entry };
  }
}

function* changesBelow(difference: Difference, directory: ByteString): Generator<Change, void, undefined> {
  const { before, after } = difference;
  const present = new Set(after.list(directory));
  if (before.lstat(directory)?.type === 'directory') {
    for (const name of before.list(directory)) {
      if (!present.has(name)) yield { kind: 'delete', path: childPath(directory, name) };
    }
  }
  for (const name of [...present].sort()) {
    const path = childPath(directory, name);
    const entry = after.lstat(path);
    if (entry === undefined || entry.type === 'socket') continue;
    if (entry.type !== 'directory') {
      yield* changeOfFile(difference, path, entry);
      continue;
    }
    const own = upsert(after, path, entry);
    const below = changesBelow(difference, path);
    if (!isChanged(difference, path, entry)) yield* precededBy(own, below);
    else {
      yield own;
      yield* below;
    }
  }
}

/** Nothing where nothing follows. */
function* precededBy(first: Change, changes: Iterable<Change>): Generator<Change, void, undefined> {
  let any = false;
  for (const change of changes) {
    if (!any) yield first;
    any = true;
    yield change;
  }
}

function* changeOfFile(difference: Difference, path: ByteString, entry: TreeEntry): Generator<Change, void, undefined> {
  const { after, rewritten, links } = difference;
  const { inode } = entry;
  if (inode === null) {
    if (isChanged(difference, path, entry)) yield upsert(after, path, entry);
    return;
  }
  if (!rewritten.has(inode)) return;
  const first = links.get(inode);
  if (first === undefined) links.set(inode, path);
  yield first === undefined ? upsert(after, path, entry) : hardLink(path, entry, first);
}

function isChanged({ before, after }: Trees, path: ByteString, entry: TreeEntry): boolean {
  const old = before.lstat(path);
  if (old === undefined) return true;
  if (isOneFile(before.state?.(path), after.state?.(path))) return false;
  return !sameFile(version(before, path, old), version(after, path, entry));
}

/** Two snapshots share what neither has changed. */
function isOneFile(one: FileState | undefined, other: FileState | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one.dev === other.dev && one.ino === other.ino;
}

function version(tree: Tree, path: ByteString, entry: TreeEntry): FileVersion {
  return { entry, xattrs: tree.xattrs(path), read: () => tree.read(path) };
}

function upsert(tree: Tree, path: ByteString, entry: TreeEntry): Change {
  refuseWhiteoutName(path);
  const { inode: _, type, size, mtime, ...rest } = entry;
  if (type === 'socket') throw new Error('internal error: sockets are passed over');
  const isFile = type === 'file';
  const tarEntry: TarEntry = {
    ...rest,
    type,
    path,
    size: isFile ? size : 0,
    mtime: { seconds: mtime.seconds, nanoseconds: 0 },
    xattrs: tree.xattrs(path),
  };
  return { kind: 'upsert', entry: tarEntry, ...(isFile ? { open: () => tree.read(path) } : {}) };
}

function hardLink(path: ByteString, { mode, uid, gid, mtime }: TreeEntry, linkTarget: ByteString): Change {
  refuseWhiteoutName(path);
  const times = { mtime: { seconds: mtime.seconds, nanoseconds: 0 } };
  return {
    kind: 'upsert',
    entry: { path, type: 'hardlink', mode, uid, gid, size: 0, linkTarget, xattrs: new Map(), ...times },
  };
}
