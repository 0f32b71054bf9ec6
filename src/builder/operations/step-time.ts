import type { Timestamp } from '../../layers/tar-entry.js';
import type { FileTimes } from '../build-request.js';

export interface StepClock {
  /** Seconds since 1970 for every time that goes into the image, or `undefined`. */
  readonly sourceDateEpoch?: number | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** RFC 3339, whole seconds when the time is given. */
export function creationTime({ sourceDateEpoch, now }: StepClock): string {
  return sourceDateEpoch === undefined ? isoTime(now()) : isoTime(sourceDateEpoch * 1000);
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z');
}

export interface LayerTimes {
  readonly sourceDateEpoch?: number | undefined;
  readonly fileTimes?: FileTimes | undefined;
}

/** What of the times counts in a key: all that decides which ones a layer has. */
export function keyedTimes({ sourceDateEpoch: epoch, fileTimes = 'bounded' }: LayerTimes): unknown {
  if (epoch === undefined) return null;
  return fileTimes === 'bounded' ? epoch : { epoch, fileTimes };
}

/** Of directories that a step has to make and no file gives a time for: fixed, so that equal input gives equal layers. */
export function madeTime(sourceDateEpoch: number | undefined): Timestamp {
  return { seconds: sourceDateEpoch ?? 0, nanoseconds: 0 };
}
