import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import type { ProgressEvent } from '../../../../src/builder/progress.js';
import { layoutView, type View, type ViewFrame } from '../../../../src/cli/progress/layout.js';
import type { LineEvent } from '../../../../src/cli/progress/line-splitter.js';
import { ProgressModel, type ProgressState } from '../../../../src/cli/progress/model.js';
import { rowText } from '../../../../src/cli/progress/row-text.js';
import { parseDigest } from '../../../../src/oci/digest.js';

const VIEW: View = {
  rows: 24,
  columns: 80,
  now: 2000,
  startedAt: 0,
  title: 'Building',
  unfinished: () => '',
};
const LAYER = parseDigest(`sha256:${'a'.repeat(64)}`);

const started = (step: string, at = 0): LineEvent => ({ type: 'step-started', step, at });
const done = (step: string, at = 1): LineEvent => ({ type: 'step-done', step, at });
const cached = (step: string): LineEvent => ({ type: 'step-cached', step, at: 1 });
const planned = (label: string): LineEvent => ({ type: 'step-planned', step: label, label });
const lines = (step: string, count: number): LineEvent => ({
  type: 'step-lines',
  step,
  at: 0,
  lines: Array.from({ length: count }, (_, index) => `output ${index + 1}`),
});
const transfer = (more: Partial<Extract<ProgressEvent, { type: 'transfer' }>>): LineEvent => ({
  type: 'transfer',
  step: 'from',
  item: LAYER,
  direction: 'pull',
  current: 5_200_000,
  total: 30_100_000,
  ...more,
});

function stateOf(events: readonly LineEvent[]): ProgressState {
  return new ProgressModel(events).state;
}

/** As one column. */
function texts({ head, panes, foot }: ViewFrame): string[] {
  return [...head, ...panes.flat(), ...foot].map(({ text, right }) => (right === '' ? text : `${text} | ${right}`));
}

function height({ head, panes, foot }: ViewFrame): number {
  return head.length + Math.max(0, ...panes.map((pane) => pane.length)) + foot.length;
}

const several = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

const MANY = stateOf([
  ...several(30, (index) => [started(`done${index}`), done(`done${index}`, index)]).flat(),
  ...several(4, (index) => [started(`cached${index}`), cached(`cached${index}`)]).flat(),
  ...several(9, (index) => [started(`run${index}`), lines(`run${index}`, 10)]).flat(),
  { type: 'warning', message: 'careful' },
  { type: 'notice', message: 'no network' },
]);

describe('layoutView()', () => {
  test.each([5, 8, 12, 24, 50, 200])('never fills a terminal of %d rows', (rows) => {
    for (const columns of [10, 40, 80, 200, 400]) {
      const view = layoutView(MANY, { ...VIEW, rows, columns });
      expect(height(view)).toBeLessThan(rows);
      expect(view.head.slice(0, 2).map(({ text }) => text)).toEqual([
        '[+] Building 2.0s (34/43)',
        ' => CACHED 4 steps',
      ]);
    }
  });

  test('shows transfers under way before output, and six lines a step', () => {
    const view = layoutView(stateOf([started('from'), transfer({}), lines('from', 10)]), VIEW);
    expect(texts(view)).toEqual([
      '[+] Building 2.0s (0/1)',
      ' => from | 2.0s',
      ' => => sha256:aaaaaaaaaaaa | 5.2MB / 30.1MB',
      ...[6, 7, 8, 9, 10].map((line) => ` => # output ${line}`),
    ]);
  });

  test('says of transfers that it has no room for how much came', () => {
    const items = several(9, (index) => transfer({ item: `part ${index}`, current: 1000 }));
    expect(texts(layoutView(stateOf([started('from'), ...items]), VIEW)).at(-1)).toBe(' => => 4 more | 4kB');
  });

  test('says of bytes that are all there and not yet checked neither rate nor time', () => {
    const whole = transfer({ current: 30_100_000, bytesPerSecond: 1000, remainingMs: 0 });
    expect(texts(layoutView(stateOf([started('from'), whole]), VIEW)).at(-1)).toBe(
      ' => => sha256:aaaaaaaaaaaa | 30.1MB / 30.1MB, finishing',
    );
  });

  test('shows a line that is not ended below those that are', () => {
    const state = stateOf([started('run'), lines('run', 2)]);
    const view = layoutView(state, { ...VIEW, unfinished: (step) => `45% of ${step}` });
    expect(texts(view).slice(-3)).toEqual([' => # output 1', ' => # output 2', ' => # 45% of run']);
  });

  test('says that a step waits for another process', () => {
    const state = stateOf([{ type: 'step-waiting', step: 'run', at: 0, reason: 'another-build' }]);
    expect(texts(layoutView(state, VIEW))).toEqual([
      '[+] Building 2.0s (0/1)',
      ' => run',
      ' => => waits for another build that does the same',
    ]);
    const model = new ProgressModel([{ type: 'step-waiting', step: 'run', at: 0, reason: 'another-build' }]);
    model.apply(cached('run'));
    expect(texts(layoutView(model.state, VIEW))).toEqual(['[+] Building 2.0s (1/1)', ' => CACHED run']);
  });

  const [a, b, c] = ['[web 1/2] RUN a', '[linux/arm64 api 1/3] RUN b', '[docs 1/1] RUN c'] as const;
  const STAGES = [planned(a), planned(b), planned(c), started(a), started(b), done(c)];

  test('tells how far the stages are that are not whole', () => {
    expect(texts(layoutView(stateOf(STAGES), VIEW)).slice(0, 2)).toEqual([
      '[+] Building 2.0s (1/3)',
      ' => STAGES 1 done, web 0/2, linux/arm64 api 0/3',
    ]);
    const alone = stateOf([planned('[1/2] RUN a'), started('[1/2] RUN a')]);
    expect(texts(layoutView(alone, VIEW))).toEqual(['[+] Building 2.0s (0/1)', ' => [1/2] RUN a | 2.0s']);
  });

  test('shows stages beside each other where there is room for both', () => {
    const wide = layoutView(stateOf([...STAGES, lines(a, 1)]), { ...VIEW, columns: 200, rows: 50 });
    expect(wide.panes.map((pane) => pane.map(({ text }) => text))).toEqual([
      [` => ${a}`, ' => # output 1'],
      [` => ${b}`],
    ]);
    expect(wide.width).toBe(99);
    expect(layoutView(stateOf(STAGES), { ...VIEW, columns: 157 }).panes).toHaveLength(1);
  });

  test('shows the last warning and the last note below', () => {
    expect(texts(layoutView(MANY, { ...VIEW, rows: 50 })).slice(-2)).toEqual([
      ' note: no network',
      ' warning: careful',
    ]);
    expect(texts(layoutView(MANY, { ...VIEW, rows: 9 })).slice(-1)).toEqual([' warning: careful']);
  });
});

describe('rowText()', () => {
  const form = { measure: stringWidth, utf8: true };

  test.each([
    ['ASCII', `=> ${'x'.repeat(100)}`, '1.0s'],
    ['wide characters', '日本語'.repeat(30), '1.0s'],
    ['an odd column before a wide character', `a${'日'.repeat(60)}`, ''],
    ['joined emoji', '👩‍👩‍👧 '.repeat(40), '1.0s'],
    ['marks without end', `e${'\u0301'.repeat(20_000)}x`, '1.0s'],
    ['tabs', `a\tb\t${'c'.repeat(90)}`, '1.0s'],
    ['what stands at the right alone', 'label', 'x'.repeat(200)],
  ])('is never wider than the terminal: %s', (_, text, right) => {
    for (const columns of [1, 2, 3, 12, 40, 79, 80]) {
      const line = rowText({ text, right }, columns, form);
      expect(stringWidth(line)).toBeLessThanOrEqual(columns);
      expect(line).not.toContain('\t');
      expect(line.length).toBeLessThan(columns * 20);
    }
  });

  test('puts the time at the right edge, whatever the width of the characters', () => {
    expect(rowText({ text: '日本', right: '1.0s' }, 20, form)).toBe('日本            1.0s');
  });

  test('is ASCII for a terminal that has nothing else', () => {
    const line = rowText({ text: `é\u009b日${'x'.repeat(40)}`, right: '1.0s' }, 20, { ...form, utf8: false });
    expect(line).toBe('???xxxxxxxxx... 1.0s');
  });
});
