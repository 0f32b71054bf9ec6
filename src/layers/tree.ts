import type { ByteString } from '../support/byte-string.js';
import type { TarEntry } from './tar-entry.js';

/** A file as a tree has it. Trees have no hard-link entries: two names of one file are two files with the same `inode`. */
export interface TreeEntry extends Omit<TarEntry, 'path' | 'type' | 'xattrs'> {
  readonly type: Exclude<TarEntry['type'], 'hardlink'> | 'socket';
  /** Names the file within its tree; `null` when it has one name only. */
  readonly inode: string | null;
}

/**
 * A file system to read, never to write: a build context, the root file system of a stage.
 *
 * Paths are relative to its root, normalised, without leading slash; the root is the empty string. No method follows a
 * symbolic link in the last component, nor out of the tree. Calls are synchronous: a thousand small asynchronous ones cost
 * ten to twenty times more in Node.
 */
export interface Tree {
  /** `undefined` when there is no such file, or a parent is no directory. */
  lstat(path: ByteString): TreeEntry | undefined;
  /** The names in a directory, sorted bytewise. */
  list(path: ByteString): readonly ByteString[];
  xattrs(path: ByteString): ReadonlyMap<ByteString, Uint8Array>;
  /** Chunks of the content of a regular file. Each chunk is valid until the next is asked for. */
  read(path: ByteString): Iterable<Uint8Array>;
  /** Of a regular file, hexadecimal SHA-256 of its content. Absent where only reading tells. */
  readonly hash?: ((path: ByteString) => string) | undefined;
}

/** What a directory is that nothing is known of: the root of an empty file system, a parent that no layer names. */
export const PLAIN_DIRECTORY: TreeEntry = {
  type: 'directory',
  mode: 0o755,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: { seconds: 0, nanoseconds: 0 },
  inode: null,
};

/** A file system without files. */
export const EMPTY_TREE: Tree = {
  lstat: (path) => (path === '' ? PLAIN_DIRECTORY : undefined),
  list: () => [],
  xattrs: () => new Map(),
  read: () => [],
};
