import type { StepId } from '../../builder/progress.js';
import type { ProgressState } from './model.js';

/** What the live view reads at each of its frames. */
export interface ViewSource {
  readonly state: () => ProgressState;
  /** The line that a step has begun to write and not ended, as it can be seen; mostly empty. */
  readonly unfinished: (step: StepId) => string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** When the whole began: as `now`. */
  readonly startedAt: number;
  /** What is going on: `Building`. */
  readonly title: string;
}
