import { childPath, ROOT } from '../../support/byte-path.js';
import { compareBytes, type ByteString } from '../../support/byte-string.js';
import type { FileNode } from '../index/file-node.js';
import type { NodesTree } from '../index/nodes-tree.js';

export interface FoundFile {
  readonly path: ByteString;
  readonly node: FileNode;
}

/** Everything in a tree but its root, in no order. */
export function* treeFiles(tree: NodesTree): Generator<FoundFile, void, undefined> {
  const waiting: ByteString[] = [ROOT];
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    for (const [name, node] of tree.children(directory)) {
      const path = childPath(directory, name);
      if (node.kind === 'directory') waiting.push(path);
      yield { path, node };
    }
  }
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

/** A name in a directory of two trees, and what each has by that name. */
export interface NameOfBoth {
  readonly name: ByteString;
  readonly old: FileNode | undefined;
  readonly current: FileNode | undefined;
}

/** What a directory has in either tree, sorted bytewise. */
export function namesOfBoth(before: NodesTree, after: NodesTree, directory: ByteString): readonly NameOfBoth[] {
  const [old, current] = [before.children(directory), after.children(directory)];
  const names = [...current.keys()];
  for (const name of old.keys()) if (!current.has(name)) names.push(name);
  return names.sort(compareBytes).map((name) => ({ name, old: old.get(name), current: current.get(name) }));
}
