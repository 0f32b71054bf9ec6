import { childPath, ROOT } from '../../support/byte-path.js';
import { compareBytes, type ByteString } from '../../support/byte-string.js';
import type { FileNode } from '../index/file-node.js';
import type { NodesTree } from '../index/nodes-tree.js';

export interface FoundFile {
  readonly path: ByteString;
  readonly node: FileNode;
}

/** Everything in a tree but its root: parents before what is in them, names in the order of their bytes. */
export function* treeFiles(tree: NodesTree): Generator<FoundFile, void, undefined> {
  const waiting = childrenOf(tree, ROOT);
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const node = tree.find(path);
    if (node === undefined) continue;
    yield { path, node };
    if (node.kind === 'directory') for (const child of childrenOf(tree, path)) waiting.push(child);
  }
}

/** The last one first, as a stack wants them. */
function childrenOf(tree: NodesTree, directory: ByteString): ByteString[] {
  return tree
    .list(directory)
    .map((name) => childPath(directory, name))
    .reverse();
}

/** What one layer has, in the order of its tar: neither directories nor what it hides. */
export function* layerFiles(top: FileNode): Generator<FoundFile, void, undefined> {
  const waiting: FoundFile[] = [{ path: ROOT, node: top }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const [name, node] of next.node.children ?? []) {
      const path = childPath(next.path, name);
      if (node.kind === 'directory') waiting.push({ path, node });
      else if (node.kind === 'file') yield { path, node };
    }
  }
}

/** The names in a directory of either tree, sorted bytewise. */
export function namesOfBoth(one: NodesTree, other: NodesTree, directory: ByteString): readonly ByteString[] {
  const names = one.list(directory);
  const others = other.list(directory);
  if (names.length === 0) return others;
  return others.length === 0 ? names : [...new Set([...names, ...others])].sort(compareBytes);
}
