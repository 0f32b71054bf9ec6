import type { Timestamp } from '../../layers/tar-entry.js';
import { readFile } from '../../layers/files/file-entry.js';
import { PLAIN_DIRECTORY, type Tree, type TreeEntry } from '../../layers/tree.js';
import { bytesOfText, type ByteString } from '../../support/byte-string.js';

export interface FetchedFile {
  /** Its path on this host. */
  readonly path: string;
  readonly name: string;
  readonly size: number;
  readonly mtime: Timestamp;
}

/** One file at the root of a tree, as BuildKit has what it fetches: mode 0600, owner 0:0 (dockerfile.md 99). */
export function createFileTree(file: FetchedFile): Tree {
  const name = bytesOfText(file.name);
  const entry: TreeEntry = {
    type: 'file',
    mode: 0o600,
    uid: 0,
    gid: 0,
    size: file.size,
    mtime: file.mtime,
    inode: null,
  };
  return {
    lstat: (path) => (path === '' ? PLAIN_DIRECTORY : path === name ? entry : undefined),
    list: (path): readonly ByteString[] => (path === '' ? [name] : []),
    xattrs: () => new Map(),
    read: () => readFile(bytesOfText(file.path)),
  };
}
