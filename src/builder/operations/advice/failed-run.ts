import type { Allowance, StepNetwork } from '../../../sandbox/run-spec.js';
import type { RunResult } from '../../../sandbox/sandbox.js';
import type { ImageFacts } from './image-facts.js';

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
  /** The last lines of its output, without escape sequences. */
  readonly tail: string;
  /** The files it was run over, as they were before; absent: nothing is known of them. */
  readonly image?: ImageFacts | undefined;
}

export function isRoot({ user }: Pick<FailedRun, 'user'>): boolean {
  return /^(?:root|0|)(?::|$)/.test(user);
}

/** The script of a shell, or the words of the program. */
export function scriptOf({ argv }: Pick<FailedRun, 'argv'>): string {
  return isShellForm({ argv }) ? (argv[2] ?? '') : argv.join(' ');
}

export function isShellForm({ argv }: Pick<FailedRun, 'argv'>): boolean {
  return argv.length === 3 && /^-[a-z]*c$/.test(argv[1] ?? '');
}
