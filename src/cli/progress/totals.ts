import { isTsbuildError } from '../../support/errors.js';
import { formatSize } from '../text/size.js';
import type { ProgressState, Step } from './model.js';
import type { Outcome } from './renderer.js';

/** What came of a build in numbers; the same in every way to show it. */
export interface Totals {
  readonly outcome: 'finished' | 'failed' | 'canceled';
  /** By what became of them; those that were not needed after all are in none. */
  readonly steps: {
    readonly cached: number;
    readonly done: number;
    readonly failed: number;
    /** Under way when another one failed, or the user stopped it. */
    readonly canceled: number;
    readonly notBegun: number;
  };
  /** Bytes that came from registries, and went there. */
  readonly pulled: number;
  readonly pushed: number;
}

export function totalsOf({ steps }: ProgressState, outcome: Outcome): Totals {
  const count = (status: Step['status']): number => steps.filter((step) => step.status === status).length;
  const isDone = outcome.kind === 'done';
  const [cached, done, failed] = [count('cached'), count('done'), count('failed')];
  const unended = isDone ? { canceled: 0, notBegun: 0 } : { canceled: count('running'), notBegun: count('planned') };
  return {
    outcome: isDone ? 'finished' : isTsbuildError(outcome.error, 'ABORTED') ? 'canceled' : 'failed',
    steps: { cached, done, failed, ...unended },
    pulled: bytes(steps, 'pull'),
    pushed: bytes(steps, 'push'),
  };
}

function bytes(steps: readonly Step[], direction: 'pull' | 'push'): number {
  return steps
    .flatMap(({ transfers }) => transfers)
    .filter((transfer) => transfer.direction === direction && !transfer.existed)
    .reduce((sum, { current }) => sum + current, 0);
}

/** `4 cached, 5 done, 30.1MB pulled`: without what there was none of. */
export function totalsText({ steps, pulled, pushed }: Totals): string {
  const counts: readonly (readonly [number, string])[] = [
    [steps.cached, 'cached'],
    [steps.done, 'done'],
    [steps.failed, 'failed'],
    [steps.canceled, 'canceled'],
    [steps.notBegun, 'not begun'],
  ];
  return [
    ...counts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`),
    ...(pulled === 0 ? [] : [`${formatSize(pulled)} pulled`]),
    ...(pushed === 0 ? [] : [`${formatSize(pushed)} pushed`]),
  ].join(', ');
}
