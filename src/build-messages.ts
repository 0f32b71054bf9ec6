import type { BuildRequest, BuildResult } from './builder/build-request.js';
import type { KeptSnapshot } from './collect-snapshots.js';
import type { PrunedCacheMount } from './store-care-types.js';
import type { ProgressEvent } from './builder/progress.js';
import type { ErrorRecord } from './support/errors.js';

export interface StorePlace {
  readonly root: string;
  readonly additional: readonly string[];
}

/** What the process that a build began in tells the one in the user namespace. */
export type ToWorker =
  | {
      readonly type: 'build';
      readonly store: StorePlace;
      readonly env: Readonly<Record<string, string>>;
      readonly request: BuildRequest;
    }
  | {
      readonly type: 'collect-snapshots';
      readonly store: StorePlace;
      readonly keep: readonly string[];
      readonly dryRun: boolean;
    }
  | { readonly type: 'prune-cache-mounts'; readonly store: StorePlace; readonly dryRun: boolean }
  | { readonly type: 'abort' };

/** What the work gives: of a build, of prunings. */
export type WorkerResult =
  | { readonly type: 'built'; readonly build: BuildResult }
  | { readonly type: 'pruned'; readonly cacheMounts: readonly PrunedCacheMount[] }
  | { readonly type: 'collected'; readonly snapshots: readonly KeptSnapshot[] };

/** And what that one answers: any number of events, then one end. */
export type FromWorker =
  | { readonly type: 'progress'; readonly event: ProgressEvent }
  | { readonly type: 'done'; readonly result: WorkerResult }
  | { readonly type: 'failed'; readonly error: ErrorRecord; readonly stack?: string | undefined };
