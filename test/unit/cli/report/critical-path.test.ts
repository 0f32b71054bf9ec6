import { expect, test } from 'vitest';
import type { DrawnGraph } from '../../../../src/builder/progress.js';
import { criticalPath } from '../../../../src/cli/report/critical-path.js';
import type { Step } from '../../../../src/cli/progress/model.js';

const graph = (inputs: Readonly<Record<string, readonly string[]>>): DrawnGraph => ({
  target: '',
  vertices: Object.entries(inputs).map(([step, of]) => ({ step, label: step, kind: 'run', inputs: of })),
});
const step = (id: string, startedAt: number, endedAt: number, status: Step['status'] = 'done'): Step => ({
  ...{ id, number: 1, label: id, status, startedAt, endedAt },
  ...{ stage: undefined, waitingFor: undefined, tail: [], lineCount: 0, transfers: [], error: undefined, changes: [] },
});

test.each<[string, DrawnGraph, readonly Step[], readonly string[]]>([
  ['a chain', graph({ a: [], b: ['a'] }), [step('a', 0, 5), step('b', 5, 9)], ['a', 'b']],
  [
    'the branch that was ready last',
    graph({ a: [], b: [], c: ['a', 'b'] }),
    [step('a', 0, 5), step('b', 0, 8), step('c', 8, 9)],
    ['b', 'c'],
  ],
  [
    'through steps that were found',
    graph({ a: [], found: ['a'], c: ['found'] }),
    [step('a', 0, 5), step('found', 5, 5, 'cached'), step('c', 5, 9)],
    ['a', 'c'],
  ],
  ['to a step that failed', graph({ a: [], b: ['a'] }), [step('a', 0, 5), step('b', 5, 9, 'failed')], ['a', 'b']],
  ['of nothing', graph({ a: [] }), [step('a', 0, 0, 'cached')], []],
])('the critical path is %s', (_name, drawn, steps, expected) => {
  expect(criticalPath([drawn], steps)).toEqual(expected);
});
