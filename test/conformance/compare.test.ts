import { describe, expect, test } from 'vitest';
import type { Case } from './case.js';
import { compareImages } from './compare.js';
import type { ImageFacts } from './facts.js';
import { compareChecks, judge } from './judge.js';

const image = (entries: Record<string, string>, by = 'COPY . /'): ImageFacts => ({
  config: { config: { Env: ['A=b'] }, history: [{ created_by: by }], layers: 1 },
  layers: [{ by, entries }],
});
const FILE = 'file 644 0:0 1000 1 a';

describe('compareImages()', () => {
  test('finds nothing between equal images', () => {
    expect(compareImages(image({ '/f': FILE }), image({ '/f': FILE }))).toEqual([]);
  });

  test.each([
    ['type', 'fifo 644 0:0 1000 1 a'],
    ['mode', 'file 755 0:0 1000 1 a'],
    ['owner', 'file 644 1:0 1000 1 a'],
    ['mtime', 'file 644 0:0 1001 1 a'],
    ['size', 'file 644 0:0 1000 2 a'],
    ['content', 'file 644 0:0 1000 1 b'],
    ['xattrs', `${FILE} user.x=00`],
  ])('names a difference of %s', (field, line) => {
    const [difference, ...others] = compareImages(image({ '/f': line }), image({ '/f': FILE }));
    expect(difference).toMatchObject({ field, where: expect.stringContaining('/f') as string });
    expect(others).toEqual([]);
  });

  test('names entries and layers that one side lacks', () => {
    const differences = compareImages(image({ '/a': FILE }), { ...image({ '/b': FILE }), layers: [] });
    expect(differences).toMatchObject([{ field: 'layer', ours: '(there)', theirs: '(absent)' }]);
    expect(compareImages(image({ '/a': FILE }), image({ '/b': FILE }))).toMatchObject([
      { field: 'entry', theirs: '(absent)' },
      { field: 'entry', ours: '(absent)' },
    ]);
  });

  test('names the member of the config, and the entry of the history', () => {
    const other = { ...image({}), config: { config: { Env: [] }, history: [{ created_by: 'x' }, {}], layers: 1 } };
    expect(compareImages(other, image({}))).toMatchObject([
      { where: 'config.config', field: 'Env', ours: '[]', theirs: '["A=b"]' },
      { where: 'config.history[0]', field: 'created_by', ours: '"x"', theirs: '"COPY . /"' },
      { where: 'config', field: 'history[1]', ours: '{}', theirs: '(absent)' },
    ]);
  });

  const times = (ours: string, theirs: string, by?: string) =>
    compareImages(
      image({ '/d': `directory 755 0:0 ${ours} - -` }, by),
      image({ '/d': `directory 755 0:0 ${theirs} - -` }, by),
    );
  test.each([
    ['0', 'made', 'COPY . /', 0],
    ['1000', 'made', 'COPY . /', 0],
    ['made', 'made', 'RUN x', 0],
    ['0', 'made', 'RUN x', 0],
    ['1000', 'made', 'RUN x', 1],
    ['made', '1000', 'COPY . /', 1],
    ['0', '1000', 'COPY . /', 1],
    ['1000.500000000', '1000', 'COPY . /', 1],
  ])('the time %s for %s in a layer of %s makes %d differences', (ours, theirs, by, count) => {
    expect(times(ours, theirs, by)).toHaveLength(count);
  });
});

describe('judge()', () => {
  const plain = { differs: undefined } as Case;
  const declared = { differs: 'a reason' } as Case;
  const built = { kind: 'image', image: image({}) } as const;
  const refused = { kind: 'failure', error: 'error[USAGE]: cannot x "y": z\nhint: Do.\n' } as const;

  test.each([
    [plain, built, built, 'agrees'],
    [plain, refused, refused, 'agrees'],
    [plain, built, refused, 'differs'],
    [plain, refused, built, 'differs'],
    [declared, refused, built, 'declared'],
    [declared, built, built, 'stale'],
    [plain, { kind: 'failure', error: 'TypeError: x' } as const, refused, 'differs'],
    [plain, { kind: 'failure', error: 'error[USAGE]: cannot x\n' } as const, refused, 'differs'],
  ])('case %#', (given, ours, theirs, judgement) => {
    expect(judge(given, { ours: { outcome: ours }, theirs: { outcome: theirs } }).judgement).toBe(judgement);
  });
});

describe('judge() of what is pending, and of warnings', () => {
  const given = { differs: undefined } as Case;
  const outcome = { kind: 'image', image: image({}) } as const;
  const other = { kind: 'image', image: image({ '/f': FILE }) } as const;
  const checks = [{ rule: 'A', line: 1, message: 'm' }];

  test.each([
    [{ outcome }, { outcome: other }, true, 'pending'],
    [{ outcome }, { outcome }, true, 'stale'],
    [{ outcome, checks: [] }, { outcome, checks }, false, 'differs'],
    [{ outcome, checks }, { outcome, checks }, false, 'agrees'],
    [{ outcome, checks: null }, { outcome, checks }, false, 'agrees'],
    [{ outcome, checks }, { outcome }, false, 'agrees'],
  ])('case %#', (ours, theirs, isPending, judgement) => {
    expect(judge(given, { ours, theirs, isPending }).judgement).toBe(judgement);
  });
});

test('compareChecks() names what only one side warns of', () => {
  const check = (rule: string, line = 1) => ({ rule, line, message: 'm' });
  expect(compareChecks([check('A'), check('B')], [check('B'), check('C', 2)])).toEqual([
    '  only BuildKit warns: line 2: C: m',
    '  only tsbuild warns: line 1: A: m',
  ]);
});
