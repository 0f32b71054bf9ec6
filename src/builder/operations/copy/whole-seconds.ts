import type { Timestamp } from '../../../layers/tar-entry.js';

/** As BuildKit writes layers. */
export function wholeSeconds({ seconds }: Timestamp): Timestamp {
  return { seconds, nanoseconds: 0 };
}
