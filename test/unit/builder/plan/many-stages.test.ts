import { expect, test } from 'vitest';
import { dependencyOrder } from '../../../../src/builder/solver/dependency-order.js';
import { planText, runs } from './plan-text.js';

test('a thousand stages, each from the one before it, are planned and put in order', async () => {
  const stages = Array.from({ length: 1_000 }, (_, index) => `FROM s${index} AS s${index + 1}\nRUN step ${index}`);
  const plan = await planText(`FROM scratch AS s0\n${stages.join('\n')}`);
  expect(runs(plan)).toHaveLength(1_000);
  expect(dependencyOrder(plan.graph)).toHaveLength(1_001);
});

test('a thousand stages that one copies from are planned once each', async () => {
  const stages = Array.from({ length: 1_000 }, (_, index) => `FROM scratch AS s${index}\nRUN step ${index}`);
  const copies = Array.from({ length: 1_000 }, (_, index) => `COPY --from=s${index} a b`);
  const plan = await planText(`${stages.join('\n')}\nFROM scratch\n${copies.join('\n')}`);
  expect(runs(plan)).toHaveLength(1_000);
});
