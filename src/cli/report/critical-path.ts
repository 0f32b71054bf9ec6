import type { DrawnGraph, StepId } from '../../builder/progress.js';
import type { Step } from '../progress/model.js';

type Timed = Pick<Step, 'id' | 'startedAt' | 'endedAt' | 'status'>;

/**
 * The steps that a build had to wait for, from the first to the last: of each, the one of those that it builds on that was ready last. A
 * build is faster only when one of them is. Steps that were found took no time and are no part of it.
 */
export function criticalPath(graphs: readonly DrawnGraph[], steps: readonly Timed[]): readonly StepId[] {
  const done = new Map(steps.filter(wasDone).map((step) => [step.id, step]));
  const inputs = new Map(graphs.flatMap(({ vertices }) => vertices.map((vertex) => [vertex.step, vertex.inputs])));
  const lastOf = (ids: Iterable<StepId>): Timed | undefined => {
    let last: Timed | undefined;
    for (const id of ids) {
      const step = done.get(id);
      if (step !== undefined && (step.endedAt ?? 0) > (last?.endedAt ?? -1)) last = step;
    }
    return last;
  };
  const path: StepId[] = [];
  for (let step = lastOf(inputs.keys()); step !== undefined; step = lastOf(nearest(step.id, inputs, done))) {
    path.unshift(step.id);
  }
  return path;
}

function wasDone({ status, startedAt, endedAt }: Timed): boolean {
  return (status === 'done' || status === 'failed') && startedAt !== undefined && endedAt !== undefined;
}

/** Those that were done and that a step builds on: directly, or through others that were not. */
function nearest(
  id: StepId,
  inputs: ReadonlyMap<StepId, readonly StepId[]>,
  done: ReadonlyMap<StepId, unknown>,
): ReadonlySet<StepId> {
  const found = new Set<StepId>();
  const seen = new Set<StepId>();
  const open = [...(inputs.get(id) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    if (done.has(next)) found.add(next);
    else open.push(...(inputs.get(next) ?? []));
  }
  return found;
}
