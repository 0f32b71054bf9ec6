import { childPath, ROOT } from '../../support/byte-path.js';
import type { ByteString } from '../../support/byte-string.js';
import { treeEntryOf, xattrsOf, type FileNode } from '../index/file-node.js';
import type { NodesTree } from '../index/nodes-tree.js';
import { sameXattrs } from '../same-file.js';
import { PLAIN_DIRECTORY, type TreeEntry } from '../tree.js';
import { storedBytes } from './file-content.js';
import { namesOfBoth } from './tree-files.js';

export type Mark = 'same' | 'added' | 'changed' | 'removed';

/** A file of a tree, with what a layer did to it. */
export interface MarkedFile {
  readonly name: ByteString;
  readonly parent: MarkedFile | undefined;
  readonly entry: TreeEntry;
  readonly mark: Mark;
  /** By name. */
  readonly children: readonly MarkedFile[];
  /** Of itself and all below it; what was removed counts only in what was removed with it. */
  readonly bytes: number;
  /** Whether it, or something below it, is not the same. */
  readonly touched: boolean;
}

/**
 * A tree with the marks of what makes it of another: what was removed is still in it.
 * @returns its root
 */
export function changedTree(before: NodesTree, after: NodesTree): MarkedFile {
  const root = new Marked({ name: ROOT, parent: undefined, entry: after.lstat(ROOT) ?? PLAIN_DIRECTORY, mark: 'same' });
  const all: Marked[] = [];
  const waiting: { readonly path: ByteString; readonly file: Marked }[] = [{ path: ROOT, file: root }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    all.push(next.file);
    for (const { name, old, current } of namesOfBoth(before, after, next.path)) {
      const child = markedFile({ name, parent: next.file }, old, current);
      if (child === undefined) continue;
      next.file.children.push(child);
      if (child.entry.type !== 'directory') all.push(child);
      else waiting.push({ path: childPath(next.path, name), file: child });
    }
  }
  const linked = new Set<string>();
  // Each after what is in it.
  for (const file of all.reverse()) file.addUp(linked);
  return root;
}

class Marked implements MarkedFile {
  readonly name: ByteString;
  readonly parent: Marked | undefined;
  readonly entry: TreeEntry;
  readonly mark: Mark;
  readonly children: Marked[] = [];
  bytes = 0;
  touched: boolean;

  constructor({
    name,
    parent,
    entry,
    mark,
  }: Pick<MarkedFile, 'name' | 'entry' | 'mark'> & { parent: Marked | undefined }) {
    this.name = name;
    this.parent = parent;
    this.entry = entry;
    this.mark = mark;
    this.touched = mark !== 'same';
    if (entry.type === 'file') this.bytes = entry.size;
  }

  /** @param linked files with several names that have been counted */
  addUp(linked: Set<string>): void {
    const { parent, mark, entry } = this;
    if (parent === undefined) return;
    if (this.touched) parent.touched = true;
    if (mark === 'removed' && parent.mark !== 'removed') return;
    const { inode } = entry;
    if (inode !== null && entry.type === 'file') {
      const key = `${mark === 'removed' ? 'removed ' : ''}${inode}`;
      if (linked.has(key)) return;
      linked.add(key);
    }
    parent.bytes += this.bytes;
  }
}

function markedFile(
  place: { readonly name: ByteString; readonly parent: Marked },
  old: FileNode | undefined,
  current: FileNode | undefined,
): Marked | undefined {
  const shown = current ?? old;
  if (shown === undefined) return undefined;
  const entry = withStoredSize(shown);
  if (old === undefined) return new Marked({ ...place, entry, mark: 'added' });
  if (current === undefined) return new Marked({ ...place, entry, mark: 'removed' });
  return new Marked({ ...place, entry, mark: isSame(old, current) ? 'same' : 'changed' });
}

/** The holes of a sparse file take no space. */
function withStoredSize(node: FileNode): TreeEntry {
  const entry = treeEntryOf(node);
  if (!('file' in node.look) || node.look.file.extents === undefined) return entry;
  return { ...entry, size: storedBytes(node.look.file) };
}

/** A file that a layer has again is changed: it takes space once more. Directories are in a layer for what is in them. */
function isSame(old: FileNode, current: FileNode): boolean {
  if (old === current || old.look === current.look) return true;
  if (old.kind !== 'directory' || current.kind !== 'directory') return false;
  const [before, after] = [treeEntryOf(old), treeEntryOf(current)];
  return (
    before.mode === after.mode &&
    before.uid === after.uid &&
    before.gid === after.gid &&
    sameXattrs(xattrsOf(old), xattrsOf(current))
  );
}
