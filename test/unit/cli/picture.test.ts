import { expect, test } from 'vitest';
import type { DrawnGraph } from '../../../src/builder/progress.js';
import { drawPicture, formatOfName, MAX_VERTICES } from '../../../src/cli/picture/picture.js';

const chain = (count: number): DrawnGraph => ({
  target: String(count - 1),
  vertices: Array.from({ length: count }, (_, number) => ({
    step: String(number),
    label: `RUN ${number}`,
    kind: 'run',
    inputs: number === 0 ? [] : [String(number - 1)],
  })),
});

test.each([
  ['a.svg', 'svg'],
  ['A.PNG', 'png'],
  ['a.dot', 'dot'],
  ['svg', 'dot'],
  ['', 'dot'],
])('the name %j asks for %s', (name, format) => {
  expect(formatOfName(name)).toBe(format);
});

test('a graph that would take minutes to lay out is no picture, and is text all the same', async () => {
  const large = chain(MAX_VERTICES + 1);
  await expect(drawPicture(large, 'svg')).rejects.toMatchObject({ code: 'OUTPUT_FAILED' });
  expect(Buffer.from(await drawPicture(large, 'dot')).toString()).toContain(`RUN ${MAX_VERTICES}`);
});
