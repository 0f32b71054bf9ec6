import { baseName, childPath } from '../support/byte-path.js';
import type { ByteString } from '../support/byte-string.js';
import type { Change } from './change.js';
import type { TarEntry } from './tar-entry.js';
import type { Tree, TreeEntry } from './tree.js';

export interface TreeChangesOptions {
  /** Of all files, whatever the tree says; their extended attributes are left behind too. Absent: as they are. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/**
 * What a path of a tree holds, as the changes that make it over nothing: the contents of a directory, a file under its own name.
 * Sockets, which no layer can hold, are left out; two names of one file become two files.
 */
export function* treeChanges(
  tree: Tree,
  path: ByteString,
  options: TreeChangesOptions = {},
): Generator<Change, void, undefined> {
  const entry = tree.lstat(path);
  if (entry === undefined) return;
  const target = (entry.type === 'directory' ? '' : baseName(path)) as ByteString;
  yield* changesOf({ tree, options, path, target, entry });
}

interface Visit {
  readonly tree: Tree;
  readonly options: TreeChangesOptions;
  readonly path: ByteString;
  readonly target: ByteString;
  readonly entry: TreeEntry;
}

function* changesOf({ tree, options, path, target, entry }: Visit): Generator<Change, void, undefined> {
  const { inode: _, ...attributes } = entry;
  const { owner } = options;
  const xattrs = owner === undefined ? tree.xattrs(path) : NONE;
  const { type } = attributes;
  if (type === 'socket') return;
  const isFile = type === 'file';
  const tarEntry: TarEntry = { ...attributes, ...owner, type, path: target, size: isFile ? entry.size : 0, xattrs };
  yield { kind: 'upsert', entry: tarEntry, ...(isFile ? { open: () => tree.read(path) } : {}) };
  if (type !== 'directory') return;
  for (const name of tree.list(path)) {
    const child = childPath(path, name);
    const found = tree.lstat(child);
    if (found !== undefined)
      yield* changesOf({ tree, options, path: child, target: childPath(target, name), entry: found });
  }
}

const NONE: ReadonlyMap<ByteString, Uint8Array> = new Map();
