import type { ProgressState } from './model.js';

/** What the live view reads at each of its frames. */
export interface ViewSource {
  readonly state: () => ProgressState;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** When the whole began: as `now`. */
  readonly startedAt: number;
  /** What is going on: `Building`. */
  readonly title: string;
}
