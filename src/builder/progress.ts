import type { Digest } from '../oci/digest.js';
import type { ErrorRecord } from '../support/errors.js';
import type { Operation } from './operation.js';
import type { KeyChange } from './explain/key-change.js';
import type { SourceRange } from '../support/source-range.js';
import type { LayerDifference } from './reproduce/file-difference.js';

/** A step as a user sees it; `#4` in plain output is the order of the first event that names it. */
export type StepId = string;

/**
 * All that happens in a build; every renderer (plain, json, ink) is a fold over it. Plain data: events cross process boundaries.
 * `at` is milliseconds since the epoch.
 */
export type ProgressEvent =
  | {
      readonly type: 'step-planned';
      readonly step: StepId;
      /** `[builder 2/5] RUN make`, or `[internal] load metadata for …`. */
      readonly label: string;
      /** Of the Dockerfile: its name, or `stage-` and its number. Absent for what belongs to none. */
      readonly stage?: string | undefined;
      readonly source?: SourceRange | undefined;
    }
  /** Before it starts: another process does the same at this moment, and what comes of that will do for this step. */
  | { readonly type: 'step-waiting'; readonly step: StepId; readonly at: number; readonly reason: 'another-build' }
  | { readonly type: 'step-started'; readonly step: StepId; readonly at: number }
  | { readonly type: 'step-cached'; readonly step: StepId; readonly at: number }
  | { readonly type: 'step-done'; readonly step: StepId; readonly at: number }
  | { readonly type: 'step-failed'; readonly step: StepId; readonly at: number; readonly error: ErrorRecord }
  | {
      readonly type: 'step-log';
      readonly step: StepId;
      readonly at: number;
      readonly stream: 'stdout' | 'stderr';
      readonly chunk: Uint8Array;
    }
  | {
      readonly type: 'transfer';
      readonly step: StepId;
      /** What moves: a blob, or a name such as `context`. */
      readonly item: Digest | string;
      readonly direction: 'pull' | 'push' | 'read' | 'write' | 'unpack' | 'index' | 'compress';
      /** Bytes so far, and in all where that is known. The last event of an item has `done`. */
      readonly current: number;
      readonly total?: number | undefined;
      readonly done?: boolean | undefined;
      /** Since it began; absent as long as that says nothing. */
      readonly bytesPerSecond?: number | undefined;
      /** Milliseconds until it is done, as far as can be told. */
      readonly remainingMs?: number | undefined;
      /** It was there already: nothing moved. */
      readonly existed?: boolean | undefined;
    }
  | {
      readonly type: 'warning';
      readonly rule?: string | undefined;
      readonly message: string;
      readonly source?: SourceRange | undefined;
    }
  | { readonly type: 'notice'; readonly message: string }
  /** What is about to be done; where `BuildRequest.details` asks for it, as are the next two. */
  | { readonly type: 'graph'; readonly graph: DrawnGraph }
  /** Why a step is done and was not found, before it starts. */
  | { readonly type: 'step-explained'; readonly step: StepId; readonly changes: readonly KeyChange[] }
  /** The layers that a step adds to its root file system, once it was found or done. */
  | {
      readonly type: 'step-layers';
      readonly step: StepId;
      readonly layers: readonly { readonly digest: Digest; readonly size: number }[];
    }
  /** A step gave another layer the second time (`checkReproducible`). */
  | {
      readonly type: 'difference';
      readonly step: StepId;
      readonly label: string;
      readonly source?: SourceRange | undefined;
      readonly difference: LayerDifference;
    };

/** A graph for pictures: plain, and without what it takes to do it. */
export interface DrawnGraph {
  readonly target: StepId;
  /** Each after its inputs. */
  readonly vertices: readonly DrawnVertex[];
}

export interface DrawnVertex {
  readonly step: StepId;
  readonly label: string;
  readonly kind: Operation['kind'];
  readonly stage?: string | undefined;
  /** First the root file system that it changes, then what it takes files from. */
  readonly inputs: readonly StepId[];
}

/** Synchronous and never throws; a slow renderer drops frames, it does not slow the build. */
export type ProgressSink = (event: ProgressEvent) => void;
