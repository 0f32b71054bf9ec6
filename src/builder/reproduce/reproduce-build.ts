import type { PlannedBuild, PlanSolution, SolvingParts } from '../solve-plans.js';
import { handlerFor } from '../solve-plans.js';
import { checkReproducible } from './check-reproducible.js';

/** As `checkReproducible`, of one of the builds that were solved together. */
export async function reproduceBuild(
  build: PlannedBuild,
  solution: PlanSolution,
  { parts, options }: SolvingParts,
): Promise<void> {
  const { sourceDateEpoch, fileTimes = 'bounded' } = build.request;
  await using second = await parts.again();
  await checkReproducible({
    ...options,
    graph: build.graph,
    resultOf: solution.resultOf,
    firstRoot: parts.store.root,
    handler: handlerFor(build, solution, { parts: second, options }),
    parts: second,
    withTimes: sourceDateEpoch !== undefined && fileTimes !== 'kept',
  });
}
