import { expect, test } from 'vitest';
import { wordRange } from '../../../../src/cli/errors/word-range.js';
import { renderError } from '../../../../src/cli/errors/render-error.js';
import { TsbuildError } from '../../../../src/support/errors.js';

/** What is marked in a text of which the second line up to the end is the instruction. */
function marked(text: string, word: string): string {
  const lines = text.split('\n');
  const end = { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
  const range = { file: 'Dockerfile', start: { line: 2, column: 1 }, end };
  const { start, end: last } = wordRange(range, text, word);
  if (start.line !== last.line) return 'all';
  return `${start.line}:${start.column} ${(lines[start.line - 1] ?? '').slice(start.column - 1, last.column - 1)}`;
}

test.each([
  ['FROM a\nCOPY nope /x', 'nope', '2:6 nope'],
  ['FROM a\nCOPY ./nope/ /x', 'nope', '2:8 nope'],
  ['FROM a\nCOPY ["a b", "/x"]', 'a b', '2:8 a b'],
  ['FROM a\nCOPY a ba \\\n  a/b b', 'b', '3:5 b'],
  ['FROM a\nCOPY --from=bsae b /x', 'bsae', '2:13 bsae'],
  ['FROM nope\nCOPY nope /x', 'nope', '2:6 nope'],
  ['FROM a\nCOPY --chown=ana:nogroup a b', 'nogroup', '2:18 nogroup'],
  ['FROM a\nRUN --mount=from=x,target=/y z', 'x', '2:18 x'],
])('%j: %s stands at %s', (text, word, expected) => {
  expect(marked(text, word)).toBe(expected);
});

test.each([
  ['FROM a\nCOPY $FILE \\\n /x', 'value'],
  ['FROM a\nCOPY anope nopes \\\n no', 'nope'],
  ['FROM a\nCOPY a \\\n b', ''],
])('%j: %j is not there', (text, word) => {
  expect(marked(text, word)).toBe('all');
});

test('an error underlines its word, and names its column', () => {
  const text = 'FROM a\nCOPY good \\\n  bad /x\n';
  const source = { file: 'Dockerfile', start: { line: 2, column: 1 }, end: { line: 3, column: 9 } };
  const error = new TsbuildError('COPY_FAILED', 'cannot copy "bad": x', { source, details: { word: 'bad' } });
  const sources = new Map([['Dockerfile', text]]);
  expect(renderError(error, { sources, color: false, utf8: true }).split('\n').slice(1, -1)).toEqual([
    ' --> Dockerfile:3:3',
    '  |',
    '3 |   bad /x',
    '  |   ^^^',
  ]);
});
