import type { ProgressSink, StepId } from './builder/progress.js';
import { isConfigMediaType } from './oci/decode.js';
import type { Descriptor } from './oci/descriptor.js';

/** What pull and push tell of a blob that moves. `current` counts bytes from 0. */
export interface BlobTransfer {
  readonly descriptor: Descriptor<string>;
  readonly current: number;
  readonly done: boolean;
  /** It was there already: nothing moved. */
  readonly existed: boolean;
}

/** Turns a transfer's calls into progress events of one step. */
export function transferEvents(
  progress: ProgressSink,
  { step, direction }: { readonly step: StepId; readonly direction: 'pull' | 'push' },
): (transfer: BlobTransfer) => void {
  return ({ descriptor, current, done, existed }) => {
    // Docker shows the layers only; the config is a few kilobytes.
    if (isConfigMediaType(descriptor.mediaType)) return;
    const { digest: item, size: total } = descriptor;
    progress({ type: 'transfer', step, item, direction, current, total, done, existed });
  };
}

/** Milliseconds between two events: more would only be drawn over. */
const EVENT_INTERVAL = 100;
/** Milliseconds. What went before says nothing of what is to come. */
const WARM_UP = 500;

export interface ByteProgress {
  /** `undefined` where nobody knows. */
  readonly setTotal: (bytes: number | undefined) => void;
  readonly onBytes: (count: number) => void;
  readonly finish: () => void;
}

/** Counts the bytes of one thing that is read or written, and tells how long it will go on at the speed so far. */
export function byteProgress(
  progress: ProgressSink,
  options: {
    readonly step: StepId;
    readonly item: string;
    readonly direction: 'read' | 'write';
    /** Milliseconds since the epoch. */
    readonly now: () => number;
  },
): ByteProgress {
  const { now, ...event } = options;
  const startedAt = now();
  let [current, toldAt] = [0, startedAt];
  let total: number | undefined;
  const tell = (at: number, done: boolean): void => {
    toldAt = at;
    progress({ type: 'transfer', ...event, current, total, done, ...remaining(at - startedAt, current, total) });
  };
  return {
    setTotal: (bytes) => {
      total = bytes;
      tell(now(), false);
    },
    onBytes: (count) => {
      current += count;
      const at = now();
      if (at - toldAt >= EVENT_INTERVAL) tell(at, false);
    },
    finish: () => {
      tell(now(), true);
    },
  };
}

function remaining(elapsed: number, current: number, total: number | undefined): { readonly remainingMs?: number } {
  if (total === undefined || current === 0 || elapsed < WARM_UP) return {};
  return { remainingMs: Math.max(0, Math.round((elapsed * (total - current)) / current)) };
}
