import { expect, test } from 'vitest';
import type { JournalStep } from '../../../../src/builder/explain/build-journal.js';
import { matchSteps } from '../../../../src/builder/explain/match-steps.js';

const features = (text: string, stage = 'a'): Pick<JournalStep, 'stage' | 'text' | 'kind'> => ({
  stage,
  text,
  kind: text.split(' ')[0]?.toLowerCase() ?? '',
});
const journal = (...steps: readonly { stage: string; text: string; kind: string }[]): readonly JournalStep[] =>
  steps.map((step, number) => ({ ...step, keys: [String(number)], parts: {}, result: '', files: [] }));

test.each<[string, readonly string[], readonly string[], readonly (string | undefined)[]]>([
  ['the same', ['RUN a', 'RUN b'], ['RUN a', 'RUN b'], ['RUN a', 'RUN b']],
  ['one put in between', ['RUN a', 'RUN c'], ['RUN a', 'RUN bbbbbbbbbbbbbbb', 'RUN c'], ['RUN a', undefined, 'RUN c']],
  ['one edited', ['RUN npm install', 'RUN x'], ['RUN npm ci', 'RUN x'], ['RUN npm install', 'RUN x']],
  ['one put in its place', ['RUN a', 'RUN 11111111'], ['RUN a', 'RUN 22222222'], ['RUN a', 'RUN 11111111']],
  ['twice the same', ['RUN a', 'RUN a'], ['RUN a', 'RUN a'], ['RUN a', 'RUN a']],
  ['another kind', ['COPY aaa'], ['RUN aaa'], [undefined]],
])('steps are known again: %s', (_name, before, after, expected) => {
  const former = journal(...before.map((text) => features(text)));
  const matches = matchSteps(
    after.map((text) => features(text)),
    former,
  );
  expect(matches.map((match) => match?.text)).toEqual(expected);
  const taken = matches.filter((match) => match !== undefined);
  expect(new Set(taken).size).toBe(taken.length);
});

test('the stage comes first, and a stage may get another name', () => {
  const former = journal(features('RUN a', 'one'), features('RUN a', 'two'));
  expect(matchSteps([features('RUN a', 'two')], former)[0]?.stage).toBe('two');
  expect(matchSteps([features('RUN a', 'three')], former)[0]?.stage).toBe('one');
});
