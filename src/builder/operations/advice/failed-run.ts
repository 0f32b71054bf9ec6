import type { Allowance, StepNetwork } from '../../../sandbox/run-spec.js';
import type { RunResult } from '../../../sandbox/sandbox.js';

/** A RUN that has failed, as far as advice depends on it. */
export interface FailedRun {
  /** With its shell, as it was run. */
  readonly argv: readonly string[];
  /** As USER has it; empty for root. */
  readonly user: string;
  readonly network: StepNetwork;
  /** The proxy variables that the step was given. */
  readonly proxies: Readonly<Record<string, string>>;
  readonly allowance?: Allowance | undefined;
  readonly result: RunResult;
  /** The last lines of its output. */
  readonly tail: string;
}

export function isRoot({ user }: Pick<FailedRun, 'user'>): boolean {
  return /^(?:root|0|)(?::|$)/.test(user);
}
