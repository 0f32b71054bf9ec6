import type { KeyChange } from './key-change.js';

/** What a build would do, and why. Plain data. */
export interface BuildExplanation {
  /** In the order of the Dockerfile; without what is no step to its user. */
  readonly steps: readonly ExplainedStep[];
}

export interface ExplainedStep {
  /** As in the events of a build. */
  readonly step: string;
  readonly label: string;
  /**
   * `cached`: it would be found. `changed`: it would be done. `follows`: it would be done unless the steps that it builds on turn
   * out to give what they gave before, which only doing them tells.
   */
  readonly state: 'cached' | 'changed' | 'follows';
  readonly changes: readonly KeyChange[];
}
