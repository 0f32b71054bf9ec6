import { readdirSync, type BigIntStats } from 'node:fs';
import { bufferOf, compareBytes, fsPath, type ByteString } from '../support/byte-string.js';
import { systemErrorCode } from '../support/errors.js';
import { invariant } from '../support/invariant.js';
import { getXattr } from '../support/syscalls.js';
import { baseName, hostPath, parentPath } from '../support/byte-path.js';
import { fileEntry, isWhiteout, readFile, statFile } from './files/file-entry.js';
import { readLayerXattrs } from './files/layer-xattrs.js';
import type { OwnerMap, Ownership } from './files/ownership.js';
import type { FileState, StatedTree } from './stated-tree.js';
import { PLAIN_DIRECTORY, type TreeEntry } from './tree.js';

export interface LayerDirectory {
  /** Absolute path on the host. */
  readonly directory: ByteString;
  readonly owners: OwnerMap;
}

export interface LayersTreeOptions {
  /** Topmost first. */
  readonly layers: readonly LayerDirectory[];
  readonly ownership: Ownership | 'none';
  /** The name of overlayfs's mark on opaque directories; without one there are no whiteouts either, and one layer only. */
  readonly opaqueXattr?: ByteString | undefined;
}

/**
 * What an overlay of directories shows, read without mounting it.
 *
 * Symbolic links are not followed, in no component: every parent on the way is looked at once and must be a directory. What is
 * known about directories is kept, so the files must not change while the tree is in use.
 */
export function createLayersTree(options: LayersTreeOptions): StatedTree {
  return new LayersTree(options);
}

class LayersTree implements StatedTree {
  readonly #options: LayersTreeOptions;
  /** For a directory the layers that its entries come from, topmost first; empty when there is no such directory. */
  readonly #contributors = new Map<ByteString, readonly LayerDirectory[]>();

  /** The file that was looked at last: whoever hashes it has just done so. */
  #last: { readonly path: ByteString; readonly stat: BigIntStats } | undefined;

  constructor(options: LayersTreeOptions) {
    invariant(options.opaqueXattr !== undefined || options.layers.length <= 1, 'layers without whiteouts');
    this.#options = options;
    this.#contributors.set('' as ByteString, options.layers);
  }

  lstat(path: ByteString): TreeEntry | undefined {
    const found = this.#find(path);
    if (found === undefined) return path === '' ? PLAIN_DIRECTORY : undefined;
    const { layer, stat, host } = found;
    this.#last = { path, stat };
    return fileEntry(host, stat, { ownership: this.#options.ownership, owner: layer.owners.get(path) });
  }

  list(path: ByteString): readonly ByteString[] {
    const names = new Set<ByteString>();
    const hidden = new Set<ByteString>();
    const layers = this.#layersOf(path);
    for (const [index, { directory }] of layers.entries()) {
      const host = hostPath(directory, path);
      for (const entry of readdirSync(fsPath(host), { encoding: 'latin1', withFileTypes: true })) {
        const name = entry.name as ByteString;
        if (hidden.has(name)) continue;
        if (this.#mayBeWhiteout(entry) && isWhiteoutAt(hostPath(host, name))) hidden.add(name);
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
    const found = this.#find(path);
    return found === undefined ? new Map() : readLayerXattrs(found.host);
  }

  *read(path: ByteString): Iterable<Uint8Array> {
    yield* readFile(this.#hostFile(path));
  }

  /** Where there is one layer, opening a file tells whether it is there. */
  #hostFile(path: ByteString): ByteString {
    const [layer, ...more] = path === '' ? this.#options.layers : this.#layersOf(parentPath(path));
    if (layer !== undefined && more.length === 0) return hostPath(layer.directory, path);
    const found = this.#find(path);
    invariant(found !== undefined, `no file "${path}" in this tree`);
    return found.host;
  }

  #find(path: ByteString) {
    const parents = path === '' ? this.#options.layers : this.#layersOf(parentPath(path));
    for (const layer of parents) {
      const host = hostPath(layer.directory, path);
      const stat = statFile(host);
      if (stat === undefined) continue;
      return this.#mayBeWhiteout(stat) && isWhiteout(stat) ? undefined : { layer, stat, host };
    }
    return undefined;
  }

  #mayBeWhiteout(file: { isCharacterDevice(): boolean }): boolean {
    return this.#options.opaqueXattr !== undefined && file.isCharacterDevice();
  }

  #layersOf(directory: ByteString): readonly LayerDirectory[] {
    const known = this.#contributors.get(directory);
    if (known !== undefined) return known;
    const contributors = baseName(directory) === '' ? [] : this.#contributorsTo(directory);
    this.#contributors.set(directory, contributors);
    return contributors;
  }

  #contributorsTo(directory: ByteString): readonly LayerDirectory[] {
    const contributors: LayerDirectory[] = [];
    const parents = this.#layersOf(parentPath(directory));
    for (const layer of parents) {
      const host = hostPath(layer.directory, directory);
      const stat = statFile(host);
      if (stat === undefined) continue;
      if (!stat.isDirectory()) break;
      contributors.push(layer);
      if (layer !== parents.at(-1) && this.#isOpaque(host)) break;
    }
    return contributors;
  }

  #isOpaque(host: ByteString): boolean {
    const { opaqueXattr } = this.#options;
    return opaqueXattr !== undefined && getXattr(host, opaqueXattr)?.equals(OPAQUE_VALUE) === true;
  }
}

/** What overlayfs writes. `x`, in newer kernels, marks a directory with whiteouts of another kind, which nobody makes here. */
export const OPAQUE_VALUE: Buffer = bufferOf('y' as ByteString);

function isWhiteoutAt(path: ByteString): boolean {
  const stat = statFile(path);
  return stat !== undefined && isWhiteout(stat);
}

/** Whether an error says that there is no such file. */
export function isMissing(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
