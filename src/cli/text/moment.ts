import { parseDuration } from '../../parser/instructions/values/duration.js';

/** RFC 3339, of which the time may be left out. */
const MOMENT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?$/;

/**
 * Milliseconds since the epoch of what filters of Docker's command line take for a time: how long ago (`24h`, `1h30m`, and days
 * as `10d`), seconds since the epoch, or a date. `undefined` for anything else.
 */
export function timeOf(text: string, now: number): number | undefined {
  if (/^[0-9]{1,11}(\.[0-9]+)?$/.test(text)) return Number(text) * 1000;
  const [, days] = /^([0-9]{1,5})d$/.exec(text) ?? [];
  if (days !== undefined) return now - Number(days) * 86_400_000;
  const nanoseconds = parseDuration(text);
  if (nanoseconds !== undefined) return nanoseconds < 0 ? undefined : now - nanoseconds / 1e6;
  const time = MOMENT.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

/** RFC 3339 in whole seconds, as Docker's history has it; `N/A` where the image does not say. */
export function formatMoment(created: string | undefined): string {
  const time = Date.parse(created ?? '');
  return Number.isNaN(time) ? 'N/A' : `${new Date(time).toISOString().slice(0, 19)}Z`;
}

/** The same as its listing of images has it: Go's form of a time, of UTC whatever the machine's zone is. */
export function formatGoMoment(created: string | undefined): string {
  return formatMoment(created).replace('T', ' ').replace('Z', ' +0000 UTC');
}
