import type { ProgressSink, StepId } from '../../builder/progress.js';
import { isConfigMediaType } from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';

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
  options: {
    readonly step: StepId;
    readonly direction: 'pull' | 'push';
    /** Milliseconds since the epoch. */
    readonly now: () => number;
  },
): (transfer: BlobTransfer) => void {
  const { step, direction, now } = options;
  const paces = new Map<string, Pace>();
  return ({ descriptor, current, done, existed }) => {
    // Docker shows the layers only; the config is a few kilobytes.
    if (isConfigMediaType(descriptor.mediaType)) return;
    const { digest: item, size: total } = descriptor;
    const pace = paces.get(item) ?? new Pace(now(), current);
    paces.set(item, pace);
    progress({
      type: 'transfer',
      step,
      item,
      direction,
      current,
      total,
      done,
      existed,
      ...pace.at(now(), { current, total }),
    });
  };
}

/** Milliseconds between two events: more would only be drawn over. */
const EVENT_INTERVAL = 100;
/** Milliseconds. What went before says nothing of what is to come. */
const WARM_UP = 500;

/** How fast something moves, on the whole. */
class Pace {
  readonly #startedAt: number;
  readonly #from: number;

  /** @param from bytes that were there before it began */
  constructor(startedAt: number, from: number) {
    this.#startedAt = startedAt;
    this.#from = from;
  }

  at(
    now: number,
    { current, total }: { readonly current: number; readonly total: number | undefined },
  ): { readonly bytesPerSecond?: number; readonly remainingMs?: number } {
    const [elapsed, moved] = [now - this.#startedAt, current - this.#from];
    if (elapsed < WARM_UP || moved <= 0) return {};
    const bytesPerSecond = Math.round((moved * 1000) / elapsed);
    // What is done with the bytes when all are there, such as checking them, has a pace of its own.
    if (total === undefined || current >= total) return { bytesPerSecond };
    return { bytesPerSecond, remainingMs: Math.max(0, Math.round((elapsed * (total - current)) / moved)) };
  }
}

export interface ByteProgress {
  /** `undefined` where nobody knows. */
  readonly setTotal: (bytes: number | undefined) => void;
  readonly onBytes: (count: number) => void;
  readonly finish: () => void;
}

/** Counts the bytes of one thing that is read, written or compressed, and tells how long it will go on at the speed so far. */
export function byteProgress(
  progress: ProgressSink,
  options: {
    readonly step: StepId;
    readonly item: string;
    readonly direction: 'read' | 'write' | 'compress';
    /** Milliseconds since the epoch. */
    readonly now: () => number;
  },
): ByteProgress {
  const { now, ...event } = options;
  const pace = new Pace(now(), 0);
  let [current, toldAt] = [0, now()];
  let total: number | undefined;
  const tell = (at: number, done: boolean): void => {
    toldAt = at;
    progress({ type: 'transfer', ...event, current, total, done, ...pace.at(at, { current, total }) });
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

/** Tells how far the compression of each layer is. */
export function compressionEvents(
  progress: ProgressSink,
  { step, now }: { readonly step: StepId; readonly now: () => number },
): (layer: Descriptor<string>) => ByteProgress {
  return ({ digest }) => byteProgress(progress, { step, item: digest, direction: 'compress', now });
}
