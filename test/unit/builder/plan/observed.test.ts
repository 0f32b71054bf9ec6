import { describe, expect, test } from 'vitest';
import { historyLines, observed, planText, vertices } from './plan-text.js';

describe('what BuildKit made of the same Dockerfile', () => {
  test.each(observed.cases)('$name', async ({ dockerfile, config, author, history, ...request }) => {
    const plan = await planText(`${dockerfile.join('\n')}\n`, request);
    expect(plan.image.config).toEqual(config);
    expect(plan.image.author).toBe(author);
    expect(historyLines(plan)).toEqual(history);
  });

  test('pitfall 70: every entry of ours carries the comment by which BuildKit entries are known', async () => {
    const plan = await planText('FROM busybox\nENV A=b\nRUN true\n');
    expect(plan.image.history.map(({ comment }) => comment)).toEqual([
      'buildkit.dockerfile.v0',
      'buildkit.dockerfile.v0',
    ]);
  });

  test.each(observed.cases)('pitfall 71: layers and steps are as many: $name', async ({ dockerfile, ...request }) => {
    const plan = await planText(`${dockerfile.join('\n')}\n`, request);
    const byId = plan.graph.vertices;
    let steps = 0;
    for (let id = plan.graph.target, next = byId.get(id); next?.inputs[0] !== undefined; next = byId.get(id)) {
      steps += 1;
      id = next.inputs[0];
    }
    expect(plan.image.history.filter(({ empty_layer }) => empty_layer !== true)).toHaveLength(steps);
  });

  test.each(observed.cases)('the plan of "$name" is the same each time', async ({ dockerfile, ...request }) => {
    const text = `${dockerfile.join('\n')}\n`;
    const [first, second] = [await planText(text, request), await planText(text, request)];
    expect(vertices(second)).toEqual(vertices(first));
    expect(second.image).toEqual(first.image);
  });
});
