import { resolveInTree } from '../../layers/resolve-in-tree.js';
import type { TarEntry, Timestamp } from '../../layers/tar-entry.js';
import type { Tree, TreeEntry } from '../../layers/tree.js';
import type { ByteString } from '../../support/byte-string.js';
import { textOfBytes } from '../../support/byte-string.js';
import { TsbuildError } from '../../support/errors.js';

export interface DirectoryAttributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Timestamp;
}

/**
 * The entries of a path's directories, from the root down: those that exist as they are, so that a layer never names a file
 * without its parents; those that do not with the attributes given. The path has its symbolic links resolved.
 * @throws `COPY_FAILED` when something that is no directory is in the way
 */
export function directoryEntries(
  tree: Pick<Tree, 'lstat' | 'xattrs'>,
  path: ByteString,
  attributes: DirectoryAttributes,
): readonly { readonly entry: TarEntry; readonly exists: boolean }[] {
  if (path === '') return [];
  const parts = path.split('/');
  return parts.map((_, index) => {
    const directory = parts.slice(0, index + 1).join('/') as ByteString;
    const existing = tree.lstat(directory);
    if (existing === undefined) return { entry: directoryEntry(directory, attributes), exists: false };
    if (existing.type !== 'directory') {
      throw new TsbuildError(
        'COPY_FAILED',
        `cannot make directory "/${textOfBytes(directory)}": a file is in its place`,
        {
          hint: 'Remove the file in a RUN before, or choose another path.',
        },
      );
    }
    return { entry: existingEntry(tree, directory, existing), exists: true };
  });
}

export function directoryEntry(path: ByteString, attributes: DirectoryAttributes): TarEntry {
  return { path, type: 'directory', size: 0, xattrs: new Map(), ...attributes };
}

function existingEntry(tree: Pick<Tree, 'xattrs'>, path: ByteString, existing: TreeEntry): TarEntry {
  const { mode, uid, gid, mtime } = existing;
  return { path, type: 'directory', size: 0, mode, uid, gid, mtime, xattrs: tree.xattrs(path) };
}

/** The path that a directory's name stands for in the image, its symbolic links resolved; what does not exist yet is kept. */
export function resolveDirectory(tree: Tree, path: ByteString): ByteString {
  return resolveInTree(tree, path, { followLast: true }) ?? path;
}
