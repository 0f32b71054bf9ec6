import type { Digest } from '../oci/digest.js';
import type { BlobStore } from './blob-store.js';
import type { ImageStore } from './image-store.js';
import type { LayerIndexes } from './records/layer-indexes.js';
import type { RecordStore } from './record-store.js';

/**
 * A folder that is an OCI image layout with tsbuild's own state beside it:
 *
 *     oci-layout  index.json  blobs/sha256/<hex>     what any OCI tool reads
 *     version                                        the layout's version; a newer one is refused
 *     records/<kind>/<hex>.json                      cache records
 *     layer-indexes/<algorithm>-<hex>                what is where in a layer's tar, a cache of blobs
 *     snapshots/                                     root file systems, a cache of blobs
 *     cache-mounts/                                  directories that RUN steps keep from build to build
 *     git/                                           bare repositories, a cache of remotes
 *     tmp/                                           unfinished work; whoever opens the store removes what dead processes left
 *     locks/
 */
export interface Store {
  readonly root: string;
  readonly blobs: BlobStore;
  readonly images: ImageStore;
  readonly records: RecordStore;
  readonly layerIndexes: LayerIndexes;
  /** Absolute paths for the snapshotters, on the same file system as the blobs. */
  readonly snapshotsDirectory: string;
  /** Roots of the stores below this one, which are only read. */
  readonly additionalRoots: readonly string[];
  /** Absolute path, likewise. */
  readonly cacheMountsDirectory: string;
  readonly temporaryDirectory: string;
  /**
   * A kernel lock on the store that dies with its process: `shared` while building or reading, `exclusive` while collecting.
   * `onWait` is called once if somebody has it. Waits; @throws `ABORTED`
   */
  lock(
    mode: 'shared' | 'exclusive',
    options?: { readonly signal?: AbortSignal | undefined; readonly onWait?: (() => void) | undefined },
  ): Promise<StoreLock>;
  /**
   * The right to do a piece of work that other processes may be doing as well: whoever waits for it finds the result afterwards.
   * The caller has a `shared` lock. `onWait` is called once if somebody else is at it. Waits; @throws `ABORTED`
   */
  claim(
    work: Digest,
    options?: { readonly signal?: AbortSignal | undefined; readonly onWait?: (() => void) | undefined },
  ): Promise<StoreLock>;
}

export interface StoreLock {
  [Symbol.dispose](): void;
}
