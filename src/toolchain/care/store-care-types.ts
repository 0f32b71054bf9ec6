import type { KeptSnapshot } from './collect-snapshots.js';
import type { Digest } from '../../oci/digest.js';
import type { RecordKind } from '../../store/record-store.js';
import type { ActivityOptions } from '../activity-options.js';

/** Many of a kind, and their bytes together. */
export interface Amount {
  readonly count: number;
  readonly bytes: number;
}

/** What a store holds. Every blob counts once in the sums: for images if one needs it, else for the build cache. */
export interface DiskUsage {
  /** Sorted by id. */
  readonly images: readonly ImageUsage[];
  /** All blobs of images, and of them those that only images without a name need. */
  readonly imageBytes: { readonly all: number; readonly reclaimable: number };
  /** The one that was not used for the longest time first. */
  readonly cache: readonly CacheUsage[];
  /** Blobs that the build cache needs, and no image. */
  readonly cacheBytes: number;
  readonly snapshots: readonly SnapshotUsage[];
  readonly cacheMounts: readonly PrunedCacheMount[];
  readonly gitRepositories: Amount;
  /** What is where in the layers: caches that are made again. */
  readonly layerIndexes: Amount;
  /** Blobs that nothing needs. */
  readonly unneeded: Amount;
  /** Unfinished work of living processes and of dead ones, and damaged blobs that were put aside. */
  readonly temporary: Amount;
}

export interface ImageUsage {
  readonly imageId: Digest;
  /** Sorted; none for an image that only its id is left of. */
  readonly names: readonly string[];
  /** Of all its blobs. */
  readonly bytes: number;
  /** Of those that another image needs as well. */
  readonly sharedBytes: number;
}

/** A remembered result. */
export interface CacheUsage {
  readonly key: Digest;
  readonly kind: RecordKind;
  /** The instruction of a step; absent for other kinds. */
  readonly label?: string | undefined;
  /** Of the blob it stands for; 0 where that is nothing. */
  readonly bytes: number;
  /** Whether an image needs that blob as well. */
  readonly shared: boolean;
  /** Milliseconds since the epoch, at most a day too early. */
  readonly usedAt: number;
}

export interface SnapshotUsage extends KeptSnapshot {
  /** Whether an image or the build cache can ask for it. */
  readonly needed: boolean;
}

/** Something in a store that is not as it should be. */
export interface StoreFinding {
  /** What it goes against, as ARCHITECTURE.md numbers it. */
  readonly invariant: string;
  /** Below the store's root. */
  readonly path: string;
  readonly state: string;
  /** What a repair does; absent where only a person can decide. */
  readonly remedy?: string | undefined;
  readonly repaired: boolean;
}

export interface CheckStoreOptions extends ActivityOptions {
  /** Removes what is damaged, or puts it aside. */
  readonly repair?: boolean | undefined;
  /** Does not read blobs. */
  readonly quick?: boolean | undefined;
}

export interface PruneStoreOptions extends ActivityOptions {
  /** Every image and the whole build cache; absent: images without a name and what nothing needs. */
  readonly all?: boolean | undefined;
  /** The directories of `RUN --mount=type=cache` as well. */
  readonly cacheMounts?: boolean | undefined;
  /** The snapshots of images and cached steps as well: they are made again when a step needs them. */
  readonly snapshots?: boolean | undefined;
  /** Milliseconds since the epoch: only images made before, and the build cache that was not used since. */
  readonly unusedSince?: number | undefined;
  /** Bytes that the build cache may go on to take; what was not used for the longest time goes first. */
  readonly keepStorage?: number | undefined;
  /** Only tells what would go. */
  readonly dryRun?: boolean | undefined;
}

export interface PruneResult {
  /** In order, as `rmi` tells. */
  readonly images: readonly Removal[];
  readonly cache: readonly CacheUsage[];
  readonly blobs: Amount;
  readonly snapshots: Amount;
  readonly cacheMounts: readonly PrunedCacheMount[];
  readonly gitRepositories: Amount;
  /** Those of layers that are gone. */
  readonly layerIndexes: Amount;
  /** All together. */
  readonly bytes: number;
}

/** A directory that RUN steps kept from build to build. */
export interface PrunedCacheMount {
  /** As the Dockerfile has it; BUILDKIT_CACHE_MOUNT_NS stands before it with a slash. */
  readonly id: string;
  /** Of all its files. */
  readonly bytes: number;
  /** When a step last began to use it, in milliseconds since the epoch. */
  readonly usedAt: number;
}

/** What `rmi` did, in order, as Docker prints it. */
export type Removal =
  { readonly kind: 'untagged'; readonly name: string } | { readonly kind: 'deleted'; readonly digest: Digest };
