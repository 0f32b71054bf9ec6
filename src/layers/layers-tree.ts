import type { FileStat } from './files/file-stat.js';
import { compareBytes, type ByteString } from '../support/byte-string.js';
import { systemErrorCode } from '../support/errors.js';
import { invariant } from '../support/invariant.js';
import { baseName, parentPath, ROOT } from '../support/byte-path.js';
import { DirectoryFiles, type DirectoryReading, type LayerDirectory } from './directory-files.js';
import { openImageFiles, type LayerImage } from './erofs/image-files.js';
import type { LayerFile, LayerFiles } from './layer-files.js';
import type { FileState, StatedTree } from './stated-tree.js';
import { PLAIN_DIRECTORY, type TreeEntry } from './tree.js';

/** Where a layer is that can be mounted. */
export type LayerPlace = LayerDirectory | LayerImage;

export interface LayersTreeOptions extends DirectoryReading {
  /** Topmost first. Without a mark on opaque directories one layer only. */
  readonly layers: readonly LayerPlace[];
}

/**
 * What an overlay of layers shows, read without mounting it.
 *
 * Symbolic links are not followed, in no component: every parent on the way is looked at once and must be a directory. What is
 * known about directories is kept, so the files must not change while the tree is in use.
 */
export function createLayersTree(options: LayersTreeOptions): StatedTree {
  return new LayersTree(options);
}

class LayersTree implements StatedTree {
  readonly #layers: readonly LayerFiles[];
  /** For a directory the layers that its entries come from, topmost first; empty when there is no such directory. */
  readonly #contributors = new Map<ByteString, readonly LayerFiles[]>();

  /** The file that was looked at last: whoever hashes it has just done so. */
  #last: { readonly path: ByteString; readonly stat: FileStat | undefined } | undefined;

  constructor({ layers, ...reading }: LayersTreeOptions) {
    invariant(reading.opaqueXattr !== undefined || layers.length <= 1, 'layers without whiteouts');
    this.#layers = layers.map((layer) =>
      'directory' in layer ? new DirectoryFiles(layer, reading) : openImageFiles(layer),
    );
    this.#contributors.set(ROOT, this.#layers);
  }

  lstat(path: ByteString): TreeEntry | undefined {
    const found = this.#find(path);
    if (found === undefined) return path === ROOT ? PLAIN_DIRECTORY : undefined;
    this.#last = { path, stat: found.stat };
    return found.entry();
  }

  list(path: ByteString): readonly ByteString[] {
    const names = new Set<ByteString>();
    const hidden = new Set<ByteString>();
    const layers = this.#layersOf(path);
    for (const [index, layer] of layers.entries()) {
      for (const { name, isWhiteout } of layer.list(path)) {
        if (hidden.has(name)) continue;
        if (isWhiteout) hidden.add(name);
        else names.add(name);
        if (index < layers.length - 1) hidden.add(name);
      }
    }
    return [...names].sort(compareBytes);
  }

  state(path: ByteString): FileState | undefined {
    const last = this.#last;
    return last?.path === path ? last.stat : this.#find(path)?.stat;
  }

  xattrs(path: ByteString): ReadonlyMap<ByteString, Uint8Array> {
    return this.#find(path)?.xattrs() ?? new Map();
  }

  *read(path: ByteString): Iterable<Uint8Array> {
    const [layer, ...more] = path === ROOT ? this.#layers : this.#layersOf(parentPath(path));
    const found = layer !== undefined && more.length === 0 ? layer : this.#find(path);
    invariant(found !== undefined, `no file "${path}" in this tree`);
    yield* found.read(path);
  }

  #find(path: ByteString): LayerFile | undefined {
    const parents = path === ROOT ? this.#layers : this.#layersOf(parentPath(path));
    for (const layer of parents) {
      const found = layer.find(path);
      if (found !== undefined) return found.kind === 'whiteout' ? undefined : found;
    }
    return undefined;
  }

  #layersOf(directory: ByteString): readonly LayerFiles[] {
    const known = this.#contributors.get(directory);
    if (known !== undefined) return known;
    const contributors = baseName(directory) === ROOT ? [] : this.#contributorsTo(directory);
    this.#contributors.set(directory, contributors);
    return contributors;
  }

  #contributorsTo(directory: ByteString): readonly LayerFiles[] {
    const contributors: LayerFiles[] = [];
    const parents = this.#layersOf(parentPath(directory));
    for (const layer of parents) {
      const found = layer.find(directory);
      if (found === undefined) continue;
      if (found.kind !== 'directory') break;
      contributors.push(layer);
      if (layer !== parents.at(-1) && found.isOpaque()) break;
    }
    return contributors;
  }
}

/** Whether an error says that there is no such file. */
export function isMissing(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
