import { baseName, parentPath, ROOT } from '../../support/byte-path.js';
import { compareBytes, type ByteString } from '../../support/byte-string.js';
import { invariant } from '../../support/invariant.js';
import type { TarEntry } from '../tar-entry.js';
import { PLAIN_DIRECTORY, type Tree, type TreeEntry } from '../tree.js';
import { treeEntryOf, xattrsOf, type FileNode } from './file-node.js';

/**
 * What a stack of layers shows, read from their indexes: the same answers as of unpacked directories (`layers-tree.ts`). Contents
 * are had from the layers' tars, where that can be done at once.
 */
export class NodesTree implements Tree {
  /** Roots of the layers, topmost first. */
  readonly #layers: readonly FileNode[];
  /** Of a path, what the layers have that make up a directory there, topmost first; empty when there is no such directory. */
  readonly #contributors = new Map<ByteString, readonly FileNode[]>();

  constructor(layers: readonly FileNode[]) {
    this.#layers = layers;
    this.#contributors.set(ROOT, layers);
  }

  /** This tree with one more layer on top, which was made for it. */
  with(layer: FileNode): NodesTree {
    return new NodesTree([layer, ...this.#layers]);
  }

  /** What the topmost layer has; `undefined` without layers. */
  get top(): FileNode | undefined {
    return this.#layers[0];
  }

  find(path: ByteString): FileNode | undefined {
    if (path === ROOT) return this.#layers[0];
    const name = baseName(path);
    for (const directory of this.#layersOf(parentPath(path))) {
      const found = directory.children?.get(name);
      if (found !== undefined) return found.kind === 'whiteout' ? undefined : found;
    }
    return undefined;
  }

  lstat(path: ByteString): TreeEntry | undefined {
    const found = this.find(path);
    if (found === undefined) return path === ROOT ? PLAIN_DIRECTORY : undefined;
    return treeEntryOf(found);
  }

  list(path: ByteString): readonly ByteString[] {
    const names = new Map<ByteString, FileNode>();
    for (const { children } of this.#layersOf(path)) {
      for (const [name, node] of children ?? []) if (!names.has(name)) names.set(name, node);
    }
    const visible = [...names].filter(([, { kind }]) => kind !== 'whiteout');
    return visible.map(([name]) => name).sort(compareBytes);
  }

  xattrs(path: ByteString): TarEntry['xattrs'] {
    const found = this.find(path);
    return found === undefined ? new Map() : xattrsOf(found);
  }

  read(path: ByteString): Iterable<Uint8Array> {
    const look = this.find(path)?.look;
    invariant(look !== undefined && 'file' in look, `no file "${path}" in this tree`);
    return look.content.read(look.file);
  }

  #layersOf(directory: ByteString): readonly FileNode[] {
    const known = this.#contributors.get(directory);
    if (known !== undefined) return known;
    const contributors: FileNode[] = [];
    const name = baseName(directory);
    for (const parent of this.#layersOf(parentPath(directory))) {
      const found = parent.children?.get(name);
      if (found === undefined) continue;
      if (found.kind !== 'directory') break;
      contributors.push(found);
      if (found.opaque) break;
    }
    this.#contributors.set(directory, contributors);
    return contributors;
  }
}
