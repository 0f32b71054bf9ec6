import { ROOT, childPath } from '../../support/byte-path.js';
import type { ByteString } from '../../support/byte-string.js';
import type { MarkedFile } from '../../layers/compare/changed-tree.js';
import { fileNameText } from '../text/file-name.js';

/** A line of the tree that is shown. */
export interface FileRow {
  readonly file: MarkedFile;
  /** How many directories it is within; 0 for all where the tree is searched. */
  readonly depth: number;
  /** Of a directory: whether what is in it is shown below it. */
  readonly open: boolean;
}

export interface Shape {
  /** Paths of directories that are unfolded. */
  readonly open: ReadonlySet<ByteString>;
  readonly bySize: boolean;
  readonly onlyChanges: boolean;
  /** What paths must have in them; without capital letters, those of paths do not count. Empty: the tree is shown. */
  readonly search: string;
}

/** What is shown of a tree, from top to bottom. */
export function fileRows(root: MarkedFile, shape: Shape): readonly FileRow[] {
  return shape.search === '' ? treeRows(root, shape) : foundRows(root, shape);
}

interface Waiting {
  readonly file: MarkedFile;
  readonly path: ByteString;
  readonly depth: number;
}

function treeRows(root: MarkedFile, shape: Shape): readonly FileRow[] {
  const rows: FileRow[] = [];
  const waiting: Waiting[] = [];
  const addChildren = ({ file, path, depth }: Waiting): void => {
    const children = shown(file, shape);
    for (let at = children.length - 1; at >= 0; at--) {
      const child = children[at];
      if (child !== undefined) waiting.push({ file: child, path: childPath(path, child.name), depth });
    }
  };
  addChildren({ file: root, path: ROOT, depth: 0 });
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const open = next.file.entry.type === 'directory' && shape.open.has(next.path);
    rows.push({ file: next.file, depth: next.depth, open });
    if (open) addChildren({ ...next, depth: next.depth + 1 });
  }
  return rows;
}

function shown({ children }: MarkedFile, { bySize, onlyChanges }: Shape): readonly MarkedFile[] {
  const kept = onlyChanges ? children.filter(({ touched }) => touched) : children;
  return bySize ? kept.toSorted((a, b) => b.bytes - a.bytes) : kept;
}

function foundRows(root: MarkedFile, shape: Shape): readonly FileRow[] {
  const { search, bySize, onlyChanges } = shape;
  const ignoresCase = search === search.toLowerCase();
  const rows: FileRow[] = [];
  const waiting: { readonly file: MarkedFile; readonly path: ByteString }[] = [{ file: root, path: ROOT }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { file, path } = next;
    const text = fileNameText(path);
    const isWanted = file.mark !== 'same' || !onlyChanges;
    if (file !== root && isWanted && (ignoresCase ? text.toLowerCase() : text).includes(search)) {
      rows.push({ file, depth: 0, open: false });
    }
    for (let at = file.children.length - 1; at >= 0; at--) {
      const child = file.children[at];
      if (child !== undefined) waiting.push({ file: child, path: childPath(path, child.name) });
    }
  }
  return bySize ? rows.sort((a, b) => b.file.bytes - a.file.bytes) : rows;
}

export function pathOf(file: MarkedFile): ByteString {
  const names: ByteString[] = [];
  let { parent, name } = file;
  while (parent !== undefined) {
    names.push(name);
    ({ parent, name } = parent);
  }
  return names.reverse().join('/') as ByteString;
}
