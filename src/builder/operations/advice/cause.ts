import type { FailedRun } from './failed-run.js';

/** Something that makes steps fail, and how it shows. */
export interface Cause {
  /** Tested on the last lines of output. */
  readonly pattern: RegExp;
  /** What to do, as one full sentence; `undefined` if the pattern is no sign of the cause in this step. */
  readonly advice: (failed: FailedRun, match: RegExpExecArray) => string | undefined;
}

/** The same whatever the step was. */
export const always =
  (text: string): Cause['advice'] =>
  () =>
    text;

/** What the first of the causes has to say that fits; `undefined` if none does. */
export function firstAdvice(causes: readonly Cause[], failed: FailedRun): string | undefined {
  for (const { pattern, advice } of causes) {
    const match = pattern.exec(failed.tail);
    const found = match === null ? undefined : advice(failed, match);
    if (found !== undefined) return found;
  }
  return undefined;
}
