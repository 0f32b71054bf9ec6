import type { Digest } from '../oci/digest.js';
import type { ErrorRecord } from '../support/errors.js';
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
      readonly source?: SourceRange | undefined;
    }
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
  /** A step gave another layer the second time (`checkReproducible`). */
  | {
      readonly type: 'difference';
      readonly step: StepId;
      readonly label: string;
      readonly source?: SourceRange | undefined;
      readonly difference: LayerDifference;
    };

/** Synchronous and never throws; a slow renderer drops frames, it does not slow the build. */
export type ProgressSink = (event: ProgressEvent) => void;
