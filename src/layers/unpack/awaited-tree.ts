import type { Tree } from '../tree.js';

/** A tree that is only opened when the first file of it is asked for. */
export function awaitedTree(open: () => Tree): Tree {
  let tree: Tree | undefined;
  const opened = (): Tree => (tree ??= open());
  return {
    lstat: (path) => opened().lstat(path),
    list: (path) => opened().list(path),
    xattrs: (path) => opened().xattrs(path),
    read: (path) => opened().read(path),
  };
}
