import type { StepFate } from '../../builder/graph-dot.js';
import type { StepId } from '../../builder/progress.js';
import { formatSeconds, type Step } from '../progress/model.js';
import { formatSize } from '../text/size.js';
import type { BuildFacts } from './build-log.js';

/** What became of the steps of a build, for its picture. Those that the graph has and nobody told of are no steps to a user. */
export function stepFates(facts: BuildFacts, options: { readonly links: boolean }): ReadonlyMap<StepId, StepFate> {
  return new Map(
    facts.state.steps.map((step) => [
      step.id,
      {
        status: fateOf(step),
        note: noteOf(step, facts),
        ...(options.links ? { link: `#step-${step.number}` } : {}),
      },
    ]),
  );
}

/** Of what began and did not end, somebody else's failure was the end. */
export function fateOf({ status }: Pick<Step, 'status'>): StepFate['status'] {
  return status === 'planned' || status === 'running' ? 'skipped' : status;
}

function noteOf(step: Step, facts: BuildFacts): string {
  const seconds = secondsOf(step);
  const layers = facts.layers.get(step.id) ?? [];
  const size = layers.reduce((sum, layer) => sum + layer.size, 0);
  const word = { cached: 'cached', done: '', failed: 'failed', skipped: 'not done' }[fateOf(step)];
  const time = seconds === undefined || step.status === 'cached' ? '' : formatSeconds(seconds);
  return [word, time, layers.length === 0 ? '' : formatSize(size)].filter((part) => part !== '').join(' · ');
}

/** How long a step took; `undefined` when it has not ended. */
export function secondsOf({ startedAt, endedAt }: Pick<Step, 'startedAt' | 'endedAt'>): number | undefined {
  return startedAt === undefined || endedAt === undefined ? undefined : Math.max(0, endedAt - startedAt) / 1000;
}
