import { type FileStat, statFile } from './files/file-stat.js';
import { readdirSync } from 'node:fs';
import { hostPath } from '../support/byte-path.js';
import { bufferOf, fsPath, type ByteString } from '../support/byte-string.js';
import { getXattr } from '../support/syscalls.js';
import { fileEntry, isWhiteout, readFile } from './files/file-entry.js';
import { readLayerXattrs } from './files/layer-xattrs.js';
import type { OwnerMap, Ownership } from './files/ownership.js';
import type { LayerFile, LayerFiles, LayerName } from './layer-files.js';
import type { TreeEntry } from './tree.js';

/** A layer, or a folder of the host, that lies on the disk as files. */
export interface LayerDirectory {
  /** Absolute path on the host. */
  readonly directory: ByteString;
  readonly owners: OwnerMap;
}

export interface DirectoryReading {
  readonly ownership: Ownership | 'none';
  /** The name of overlayfs's mark on opaque directories; without one there are no whiteouts either. */
  readonly opaqueXattr?: ByteString | undefined;
}

/** What overlayfs writes. `x`, in newer kernels, marks a directory with whiteouts of another kind, which nobody makes here. */
export const OPAQUE_VALUE: Buffer = bufferOf('y' as ByteString);

/** Symbolic links are not followed. */
export class DirectoryFiles implements LayerFiles {
  readonly #layer: LayerDirectory;
  readonly #reading: DirectoryReading;

  constructor(layer: LayerDirectory, reading: DirectoryReading) {
    this.#layer = layer;
    this.#reading = reading;
  }

  find(path: ByteString): LayerFile | undefined {
    const host = hostPath(this.#layer.directory, path);
    const stat = statFile(host);
    if (stat === undefined) return undefined;
    return new FileOfDirectory({ path, host, stat }, this.#layer, this.#reading);
  }

  read(path: ByteString): Iterable<Uint8Array> {
    return readFile(hostPath(this.#layer.directory, path));
  }

  *list(directory: ByteString): Generator<LayerName, void, undefined> {
    const host = hostPath(this.#layer.directory, directory);
    if (this.#reading.opaqueXattr === undefined) {
      for (const name of readdirSync(fsPath(host), 'latin1')) yield { name: name as ByteString, isWhiteout: false };
      return;
    }
    for (const entry of readdirSync(fsPath(host), { encoding: 'latin1', withFileTypes: true })) {
      const name = entry.name as ByteString;
      yield { name, isWhiteout: entry.isCharacterDevice() && isWhiteoutAt(hostPath(host, name)) };
    }
  }
}

function isWhiteoutAt(path: ByteString): boolean {
  const stat = statFile(path);
  return stat !== undefined && isWhiteout(stat);
}

interface Found {
  readonly path: ByteString;
  /** Absolute. */
  readonly host: ByteString;
  readonly stat: FileStat;
}

class FileOfDirectory implements LayerFile {
  readonly kind: LayerFile['kind'];
  readonly stat: FileStat;
  readonly #found: Found;
  readonly #layer: LayerDirectory;
  readonly #reading: DirectoryReading;

  constructor(found: Found, layer: LayerDirectory, reading: DirectoryReading) {
    this.#found = found;
    this.#layer = layer;
    this.#reading = reading;
    this.stat = found.stat;
    const marked = reading.opaqueXattr !== undefined;
    this.kind = found.stat.isDirectory() ? 'directory' : marked && isWhiteout(found.stat) ? 'whiteout' : 'file';
  }

  isOpaque(): boolean {
    const { opaqueXattr } = this.#reading;
    return opaqueXattr !== undefined && getXattr(this.#found.host, opaqueXattr)?.equals(OPAQUE_VALUE) === true;
  }

  entry(): TreeEntry {
    const { path, host, stat } = this.#found;
    return fileEntry(host, stat, { ownership: this.#reading.ownership, owner: this.#layer.owners.get(path) });
  }

  xattrs(): ReadonlyMap<ByteString, Uint8Array> {
    return readLayerXattrs(this.#found.host);
  }

  read(): Iterable<Uint8Array> {
    return readFile(this.#found.host);
  }
}
