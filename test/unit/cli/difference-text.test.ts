import { expect, test } from 'vitest';
import type { LayerDifference } from '../../../src/builder/reproduce/file-difference.js';
import { differenceLines } from '../../../src/cli/progress/difference-text.js';

function lines(difference: Partial<LayerDifference>): readonly string[] {
  const whole = { files: [], omitted: 0, times: 0, advice: [], ...difference };
  return differenceLines({ type: 'difference', step: '1', label: '[2/2] RUN x', difference: whole }).slice(1, -1);
}

const HEAD = ' > [2/2] RUN x gave another layer the second time:';

test('files, times and advice are told', () => {
  const files = [
    {
      path: 'a',
      aspects: [
        { aspect: 'content' as const, offset: 3 },
        { aspect: 'mode' as const, first: '1', second: '2' },
      ],
    },
    { path: 'b\u001b[2J', aspects: [{ aspect: 'listed' as const, first: 'file', second: 'absent' }] },
  ];
  expect(lines({ files, times: 1, advice: ['Do so.'] })).toEqual([
    HEAD,
    '  /a: content from byte 3 on, mode 1, then 2',
    String.raw`  /b\x1b[2J: file, then absent`,
    '  1 file with another time',
    '  * Do so.',
  ]);
});

test('of many files the first are told, and how many there are', () => {
  const files = Array.from({ length: 22 }, (_, index) => ({ path: `f${index}`, aspects: [] }));
  expect(lines({ files, omitted: 5 })).toHaveLength(1 + 20 + 1);
  expect(lines({ files, omitted: 5 }).at(-1)).toBe('  and 7 more files');
});

test('the same files may stand in another order', () => {
  expect(lines({})).toEqual([HEAD, '  the same files in another order']);
});
