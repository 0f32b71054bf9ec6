import { compareBytes, type ByteString } from '../../support/byte-string.js';
import type { NodesTree } from '../index/nodes-tree.js';
import { contentKey, contentOf, storedBytes, type FileContent } from './file-content.js';
import { layerFiles, treeFiles } from './tree-files.js';

/** A path of which layers hold contents that the image does not show. */
export interface WastedFile {
  readonly path: ByteString;
  /** Of those contents together. */
  readonly bytes: number;
  /** Numbers of the layers that hold them, and of the last one that hid one, from 0 at the bottom. */
  readonly layers: readonly number[];
  readonly hiddenBy: number;
  /** What became of the last one of them. */
  readonly fate: 'overwritten' | 'removed';
}

/** All counts are of bytes of file contents, uncompressed and without the holes of sparse files. */
export interface Waste {
  readonly bytes: number;
  readonly wastedBytes: number;
  /** The part of the bytes that the image shows, 0 to 1; 1 for an image without any. */
  readonly efficiency: number;
  readonly layers: readonly { readonly bytes: number; readonly wastedBytes: number; readonly files: number }[];
  /** Those of most bytes first, then by path. */
  readonly files: readonly WastedFile[];
}

/**
 * The space that layers take for files which later layers overwrite, remove, or store again because of another owner or mode.
 * A content is wasted when no name of it is left.
 * @param trees what the image shows after each of its layers, bottommost first
 */
export function wasteOf(trees: readonly NodesTree[]): Waste {
  const final = trees.at(-1);
  const shown = new Set<string>();
  if (final !== undefined) {
    for (const { node } of treeFiles(final)) {
      const content = contentOf(node);
      if (content !== undefined) shown.add(contentKey(content));
    }
  }
  const counted = new Set<string>();
  const wasted = new Map<ByteString, Hidden[]>();
  const layers = trees.map((tree, number) => countLayer(tree, { number, shown, counted, wasted, trees }));
  const bytes = layers.reduce((sum, layer) => sum + layer.bytes, 0);
  const wastedBytes = layers.reduce((sum, layer) => sum + layer.wastedBytes, 0);
  const efficiency = bytes === 0 ? 1 : (bytes - wastedBytes) / bytes;
  const files = [...wasted].map(wastedFile).sort((a, b) => b.bytes - a.bytes || compareBytes(a.path, b.path));
  return { bytes, wastedBytes, efficiency, layers, files };
}

interface Hidden {
  readonly layer: number;
  readonly bytes: number;
  readonly hiddenBy: number;
  readonly fate: WastedFile['fate'];
}

interface Count {
  readonly number: number;
  readonly shown: ReadonlySet<string>;
  /** Contents of layers below, and first names of hard links. */
  readonly counted: Set<string>;
  readonly wasted: Map<ByteString, Hidden[]>;
  readonly trees: readonly NodesTree[];
}

function countLayer(tree: NodesTree, { number, shown, counted, wasted, trees }: Count): Waste['layers'][number] {
  let [bytes, wastedBytes, files] = [0, 0, 0];
  if (tree.top === undefined) return { bytes, wastedBytes, files };
  for (const { path, node } of layerFiles(tree.top)) {
    files += 1;
    const content = contentOf(node);
    if (content === undefined) continue;
    const key = contentKey(content);
    if (counted.has(key)) continue;
    counted.add(key);
    const size = storedBytes(content.file);
    bytes += size;
    if (shown.has(key)) continue;
    wastedBytes += size;
    const hidden = { layer: number, bytes: size, ...whoHid({ path, content, number }, trees) };
    const others = wasted.get(path);
    if (others === undefined) wasted.set(path, [hidden]);
    else others.push(hidden);
  }
  return { bytes, wastedBytes, files };
}

interface StoredFile {
  readonly path: ByteString;
  readonly content: FileContent;
  readonly number: number;
}

function whoHid({ path, content, number }: StoredFile, trees: readonly NodesTree[]): Pick<Hidden, 'hiddenBy' | 'fate'> {
  const key = contentKey(content);
  for (let later = number + 1; later < trees.length; later++) {
    const found = trees[later]?.find(path);
    if (found === undefined) return { hiddenBy: later, fate: 'removed' };
    const current = contentOf(found);
    if (current === undefined || contentKey(current) !== key) return { hiddenBy: later, fate: 'overwritten' };
  }
  return { hiddenBy: number, fate: 'overwritten' };
}

function wastedFile([path, hidden]: readonly [ByteString, readonly Hidden[]]): WastedFile {
  const last = hidden.at(-1);
  return {
    path,
    bytes: hidden.reduce((sum, { bytes }) => sum + bytes, 0),
    layers: hidden.map(({ layer }) => layer),
    hiddenBy: last?.hiddenBy ?? 0,
    fate: last?.fate ?? 'removed',
  };
}
