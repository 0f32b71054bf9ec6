import { baseName, childPath } from '../support/byte-path.js';
import type { ByteString } from '../support/byte-string.js';
import type { Change } from './change.js';
import type { TarEntry } from './tar-entry.js';
import type { Tree, TreeEntry } from './tree.js';

export interface TreeChangesOptions {
  /** Of all files, whatever the tree says; their extended attributes are left behind too. Absent: as they are. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Two names of one file stay that, where the second is a hard link to the first. */
  readonly hardLinks?: boolean;
}

/**
 * What a path of a tree holds, as the changes that make it over nothing: the contents of a directory, a file under its own name.
 * Sockets, which no layer can hold, are left out; two names of one file become two files, unless
 * asked for.
 */
export function* treeChanges(
  tree: Tree,
  path: ByteString,
  options: TreeChangesOptions = {},
): Generator<Change, void, undefined> {
  const entry = tree.lstat(path);
  if (entry === undefined) return;
  const target = (entry.type === 'directory' ? '' : baseName(path)) as ByteString;
  yield* changesOf({ tree, options, path, target, entry, links: new Map() });
}

interface Visit {
  readonly tree: Tree;
  readonly options: TreeChangesOptions;
  readonly path: ByteString;
  readonly target: ByteString;
  readonly entry: TreeEntry;
  /** The first name of each file that has several. */
  readonly links: Map<string, ByteString>;
}

function* changesOf({ tree, options, path, target, entry, links }: Visit): Generator<Change, void, undefined> {
  const { inode, ...attributes } = entry;
  const { owner } = options;
  const xattrs = owner === undefined ? tree.xattrs(path) : NONE;
  const { type } = attributes;
  if (type === 'socket') return;
  const first = options.hardLinks === true && inode !== null ? links.get(inode) : undefined;
  if (first !== undefined) {
    const link = {
      ...attributes,
      ...owner,
      type: 'hardlink',
      path: target,
      size: 0,
      linkTarget: first,
      xattrs: NONE,
    } as const;
    yield { kind: 'upsert', entry: link };
    return;
  }
  if (inode !== null) links.set(inode, target);
  const isFile = type === 'file';
  const tarEntry: TarEntry = { ...attributes, ...owner, type, path: target, size: isFile ? entry.size : 0, xattrs };
  yield { kind: 'upsert', entry: tarEntry, ...(isFile ? { open: () => tree.read(path) } : {}) };
  if (type !== 'directory') return;
  for (const name of tree.list(path)) {
    const child = childPath(path, name);
    const found = tree.lstat(child);
    if (found !== undefined)
      yield* changesOf({ tree, options, path: child, target: childPath(target, name), entry: found, links });
  }
}

const NONE: ReadonlyMap<ByteString, Uint8Array> = new Map();
