import type { FileStat } from './files/file-stat.js';
import type { ByteString } from '../support/byte-string.js';
import type { TreeEntry } from './tree.js';

/** A file that a layer has, or its mark that it hides one below. */
export interface LayerFile {
  readonly kind: 'file' | 'directory' | 'whiteout';
  /** Where it lies on the disk as a file of its own. */
  readonly stat: FileStat | undefined;
  /** Of a directory: whether it hides what lower layers have in it. */
  isOpaque(): boolean;
  entry(): TreeEntry;
  xattrs(): ReadonlyMap<ByteString, Uint8Array>;
  /** Chunks of the content of a regular file. Each chunk is valid until the next is asked for. */
  read(): Iterable<Uint8Array>;
}

export interface LayerName {
  readonly name: ByteString;
  readonly isWhiteout: boolean;
}

/** What a layer has, in the form that overlayfs mounts, by paths whose parents are known to be directories of it. */
export interface LayerFiles {
  find(path: ByteString): LayerFile | undefined;
  /** As of the file that `find` gives; where no other layer may have it, opening it tells whether it is there. */
  read(path: ByteString): Iterable<Uint8Array>;
  /** The names in a directory that it has, in any order. */
  list(directory: ByteString): Iterable<LayerName>;
}
