import type { BuildRequest, BuildResult } from '../../builder/build-request.js';
import type { ImageRunRequest } from '../../builder/image-run/image-run-request.js';
import type { FailedStep } from '../../builder/visit.js';
import type { KeptSnapshot } from '../care/collect-snapshots.js';
import type { PrunedCacheMount } from '../care/store-care-types.js';
import type { ProgressEvent } from '../../builder/progress.js';
import type { RegistrySettings } from '../../registry/config/registry-settings.js';
import type { ProgramOrder } from '../../sandbox/attachment.js';
import type { RunResult } from '../../sandbox/sandbox.js';
import type { ErrorRecord } from '../../support/errors.js';
import type { TerminalSize } from '../../support/pseudo-terminal.js';

export interface StorePlace {
  readonly root: string;
  readonly additional: readonly string[];
}

/** The answer to `visit`: bytes come and go by the worker's further descriptors. */
export interface VisitOpened {
  readonly type: 'visit-opened';
  readonly visit: { readonly terminal: TerminalSize | undefined; readonly hasInput: boolean };
}

/** What the process that a build began in tells the one in the user namespace. */
export type ToWorker =
  | {
      readonly type: 'build';
      readonly store: StorePlace;
      readonly env: Readonly<Record<string, string>>;
      readonly registries?: RegistrySettings | undefined;
      readonly requests: readonly BuildRequest[];
      /** Whether somebody wants to be let into a step that fails. */
      readonly mayVisit: boolean;
    }
  | {
      readonly type: 'run-image';
      readonly store: StorePlace;
      readonly env: Readonly<Record<string, string>>;
      readonly registries?: RegistrySettings | undefined;
      readonly request: ImageRunRequest;
    }
  | {
      readonly type: 'collect-snapshots';
      readonly store: StorePlace;
      readonly keep: readonly string[];
      readonly dryRun: boolean;
    }
  | { readonly type: 'prune-cache-mounts'; readonly store: StorePlace; readonly dryRun: boolean }
  | { readonly type: 'export-cache-mount'; readonly store: StorePlace; readonly id: string }
  | { readonly type: 'import-cache-mount'; readonly store: StorePlace; readonly id: string }
  | VisitOpened
  /** For the program that has a visitor. */
  | { readonly type: 'order'; readonly order: ProgramOrder }
  | { readonly type: 'abort' };

/** The first message, which says what is to be done. */
export type WorkerTask = Exclude<ToWorker, { type: 'abort' | 'order' | 'visit-opened' }>;

/** What the work gives: of a build, of prunings. */
export type WorkerResult =
  | { readonly type: 'built'; readonly builds: readonly BuildResult[] }
  | { readonly type: 'ran'; readonly run: RunResult }
  | { readonly type: 'pruned'; readonly cacheMounts: readonly PrunedCacheMount[] }
  | { readonly type: 'transferred' }
  | { readonly type: 'collected'; readonly snapshots: readonly KeptSnapshot[] };

/** And what that one answers: any number of events, then one end. */
export type FromWorker =
  | { readonly type: 'progress'; readonly event: ProgressEvent }
  /** Somebody may come in: into a step that failed, or an image that is to be tried. */
  | { readonly type: 'visit'; readonly failed: FailedStep | undefined }
  | { readonly type: 'done'; readonly result: WorkerResult }
  | { readonly type: 'failed'; readonly error: ErrorRecord; readonly stack?: string | undefined };
