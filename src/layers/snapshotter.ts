import type { Digest } from '../oci/digest.js';
import type { ChainId } from '../oci/layer.js';
import type { ByteString } from '../support/byte-string.js';
import type { ApplyOptions } from './apply/apply-layer.js';
import type { Change } from './change.js';
import type { OwnerMap, Ownership } from './files/ownership.js';
import type { LayerImage } from './erofs/image-files.js';
import type { FileNode } from './index/file-node.js';
import type { LayerPlace } from './layers-tree.js';
import type { LayerTars } from './snapshots/layer-tars.js';
import type { SnapshotImage } from './snapshots/snapshot-folder.js';
import type { Tree } from './tree.js';

/** Where the files of a snapshot are; of the same shape as the sandbox's `Rootfs`. */
export type SnapshotRoot =
  | {
      readonly kind: 'overlay';
      /** Directories and images of layers, topmost first. */
      readonly lowers: readonly (string | LayerImage)[];
      readonly upper: string;
      readonly work: string;
    }
  | { readonly kind: 'directory'; readonly path: string };

/**
 * Keeps root file systems by chain id, as a cache of the layers they were made of: any of them may be deleted and is made again.
 *
 * An active snapshot is writable and nobody's parent; a committed one is read-only and may be a parent.
 * `prepare(parent)`, write below `root` (by applying a layer, or in a sandbox), then `commit(id)` or dispose.
 */
export interface Snapshotter {
  readonly name: 'erofs' | 'overlay' | 'copy';
  has(id: ChainId): Promise<boolean>;
  /** A writable file system over `parent` (`null`: empty). Disposing it without `commit` discards it. */
  prepare(parent: ChainId | null): Promise<ActiveSnapshot>;
  /** A committed snapshot (`null`: empty) to be mounted read-only: whoever wrote to it might change it for all. */
  view(id: ChainId | null): Promise<SnapshotView>;
  /** The files of a committed snapshot; of the empty file system for `null`. */
  tree(id: ChainId | null): Promise<Tree>;
  remove(id: ChainId): Promise<void>;
  /** The ids of all committed snapshots. */
  list(): Promise<readonly ChainId[]>;
  /** Where every layer has a directory of its own: the way to unpack several at once. */
  readonly apart?: ApartSnapshots;
  /** Where layers can be mounted from their tars: nothing is unpacked then but what no image can be made of. */
  readonly images?: ImageSnapshots;
  /** Those of committed ones that a crash of the machine may have left incomplete: absent to all else here. */
  listTorn(): Promise<readonly ChainId[]>;
  /** Sees that those used here survive a power failure, where that takes next to no time. For when all work is done. */
  settle(): Promise<void>;
}

/** Snapshots of layers that are unpacked before what is below them is there, by who knows how overlayfs has them. */
export interface ApartSnapshots {
  readonly ownership: Ownership;
  /** The name of overlayfs's mark on opaque directories. */
  readonly opaqueXattr: ByteString;
  create(): Promise<ApartSnapshot>;
  /** The layers of a committed snapshot and all below it, topmost first; none for `null`. */
  layersOf(id: ChainId | null): Promise<readonly LayerPlace[]>;
}

/** Disposing of it without `commit` discards it. */
export interface ApartSnapshot extends AsyncDisposable {
  /** Absolute path of the empty directory that gets the files of the layer, those of its root included. */
  readonly directory: string;
  /** To be called when the parent is committed. Committing an id that exists discards this one. */
  commit(id: ChainId, meta: { readonly parent: ChainId | null; readonly owners: OwnerMap }): Promise<void>;
}

/** Snapshots of layers that are mounted from their tars. */
export interface ImageSnapshots {
  readonly tars: LayerTars;
  /** Of a committed snapshot, the layer whose tar it is mounted from; `undefined` where it is a directory, or not there. */
  layerOf(id: ChainId): Digest | undefined;
  /**
   * Keeps a layer of which `tars` has the tar. To be called when the parent is committed. Committing an id that exists changes
   * nothing.
   */
  commit(id: ChainId, layer: ImageLayer): Promise<void>;
}

export interface ImageLayer extends SnapshotImage {
  readonly parent: ChainId | null;
  /** As `layerNodes` gives it. @see erofsShortcoming, which has nothing against it */
  readonly root: FileNode;
}

export interface SnapshotView extends AsyncDisposable {
  readonly root: SnapshotRoot;
}

export interface ActiveSnapshot extends AsyncDisposable {
  readonly root: SnapshotRoot;
  /** What was there before: the parent's files. */
  readonly parentTree: Tree;
  /** Writes a layer's tar, already decompressed, over the parent. @throws `LAYER_INVALID` */
  apply(tar: AsyncIterable<Uint8Array>, options?: ApplyOptions): Promise<void>;
  /** What changed against the parent, sorted, parents before children, so that equal trees give equal layers. */
  changes(): AsyncIterable<Change>;
  /** Keeps the file system under `id`, read-only from now on. Committing an id that exists discards this one. */
  commit(id: ChainId): Promise<void>;
}
