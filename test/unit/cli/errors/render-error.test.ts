import { describe, expect, test } from 'vitest';
import { renderError } from '../../../../src/cli/errors/render-error.js';
import { TsbuildError } from '../../../../src/support/errors.js';
import type { SourceRange } from '../../../../src/support/source-range.js';

function range(line: number, from: number, endLine: number, to: number): SourceRange {
  return { file: 'Dockerfile', start: { line, column: from }, end: { line: endLine, column: to } };
}

function render(error: unknown, text?: string): string[] {
  const sources = new Map(text === undefined ? [] : [['Dockerfile', text]]);
  return renderError(error, { sources, color: false, utf8: true }).split('\n');
}

describe('renderError()', () => {
  test('points at the place in the Dockerfile', () => {
    const text = `${'# line\n'.repeat(11)}RUN npm ci\n`;
    const error = new TsbuildError('RUN_FAILED', 'cannot run "npm ci": exit status 1', {
      source: range(12, 1, 12, 11),
      hint: 'The last 20 lines of output are above.',
    });
    expect(render(error, text)).toEqual([
      'error[RUN_FAILED]: cannot run "npm ci": exit status 1',
      '  --> Dockerfile:12:1',
      '   |',
      '12 | RUN npm ci',
      '   | ^^^^^^^^^^',
      'hint: The last 20 lines of output are above.',
      '',
    ]);
  });

  test('marks each of several lines, and cuts out the middle of many', () => {
    const text = Array.from({ length: 12 }, (_, index) => `line ${index + 1} \\`).join('\n');
    const error = new TsbuildError('DOCKERFILE_SYNTAX', 'cannot read it', { source: range(2, 1, 11, 4) });
    expect(render(error, text).slice(1)).toEqual([
      '  --> Dockerfile:2:1',
      '   |',
      ' 2 > line 2 \\',
      ' 3 > line 3 \\',
      ' 4 > line 4 \\',
      ' 5 > line 5 \\',
      ' 6 > line 6 \\',
      '   …',
      '11 > line 11 \\',
      '',
    ]);
  });

  test('does not mark a line of which the range has nothing', () => {
    const error = new TsbuildError('DOCKERFILE_SYNTAX', 'x', { source: range(1, 1, 2, 1) });
    expect(render(error, 'FROM a\nRUN b\n').slice(1, -1)).toEqual([
      ' --> Dockerfile:1:1',
      '  |',
      '1 | FROM a',
      '  | ^^^^^^',
    ]);
  });

  test('keeps the marks below what they mark when it has tabs and control characters', () => {
    const error = new TsbuildError('DOCKERFILE_SYNTAX', 'x', { source: range(1, 7, 1, 10) });
    expect(render(error, 'RUN\t\x1bxbad\n').slice(3, 5)).toEqual(['1 | RUN \\x1bxbad', '  |          ^^^']);
  });

  test('cuts a long line around the place', () => {
    const error = new TsbuildError('DOCKERFILE_SYNTAX', 'x', { source: range(1, 301, 1, 304) });
    const [, , , line = '', mark = ''] = render(error, `${'a'.repeat(300)}bad${'c'.repeat(300)}\n`);
    expect(line.length).toBeLessThan(120);
    expect(line.slice(mark.indexOf('^'), mark.lastIndexOf('^') + 1)).toBe('bad');
    expect([line.slice(4, 5), line.slice(-1)]).toEqual(['…', '…']);
  });

  test('names the place when the text is not at hand, or shorter than that', () => {
    const error = new TsbuildError('DOCKERFILE_SYNTAX', 'x', { source: range(7, 2, 7, 3) });
    expect(render(error)).toEqual(['error[DOCKERFILE_SYNTAX]: x', ' --> Dockerfile:7:2', '']);
    expect(render(error, 'one line')).toEqual(['error[DOCKERFILE_SYNTAX]: x', ' --> Dockerfile:7:2', '']);
  });

  test('gives causes that say something new', () => {
    const root = new Error('connect ECONNREFUSED 127.0.0.1:5000');
    const middle = new Error('the registry cannot be reached', { cause: root });
    const error = new TsbuildError('REGISTRY_UNREACHABLE', 'cannot pull "x": the registry cannot be reached', {
      cause: middle,
    });
    expect(render(error)).toEqual([
      'error[REGISTRY_UNREACHABLE]: cannot pull "x": the registry cannot be reached',
      'cause: connect ECONNREFUSED 127.0.0.1:5000',
      '',
    ]);
  });

  test('lets no message move the cursor', () => {
    const error = new TsbuildError('REGISTRY_RESPONSE', 'cannot pull: \x1b[2J\x1b]0;x\x07denied', {
      hint: 'Ask \x9b1m.',
    });
    expect(render(error).join('\n')).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  });

  test('keeps the lines of a message that has several', () => {
    const error = new TsbuildError('DIGEST_MISMATCH', 'cannot read blob:\n  expected sha256:a\n  found    sha256:b');
    expect(render(error).slice(0, 3)).toEqual([
      'error[DIGEST_MISMATCH]: cannot read blob:',
      '  expected sha256:a',
      '  found    sha256:b',
    ]);
  });

  test.each([
    ['an error without a code', new Error('internal error: impossible')],
    ['an internal error from another process', new TsbuildError('INTERNAL', 'impossible')],
  ])('asks to report %s, with its stack', (_, error) => {
    const lines = render(error);
    expect(lines[0]).toMatch(/^internal error: this is a mistake in tsbuild \d+\.\d+\.\d+, not in what it was given$/);
    expect(lines[1]).toContain('impossible');
    expect(lines.some((line) => /^ {6}at .*render-error\.test/.test(line))).toBe(true);
    expect(lines.at(-2)).toContain('Please report it');
  });

  describe('for a terminal without UTF-8', () => {
    const ascii = (error: unknown, text: string): string[] =>
      renderError(error, { sources: new Map([['Dockerfile', text]]), color: false, utf8: false }).split('\n');

    test('gives ASCII alone, and keeps the mark below what it marks', () => {
      const line = `LABEL ${'x'.repeat(200)} é日👩="ü" bad ${'y'.repeat(100)}`;
      const at = line.indexOf('bad') + 1;
      const error = new TsbuildError('DOCKERFILE_SYNTAX', 'cannot read "é": no…', {
        source: range(1, at, 1, at + 3),
        hint: 'Write “it”.',
      });
      const lines = ascii(error, line);
      expect(lines.join('')).toMatch(/^[\x20-\x7e]*$/);
      expect([lines[0], lines[5]]).toEqual(['error[DOCKERFILE_SYNTAX]: cannot read "?": no...', 'hint: Write ?it?.']);
      expect(lines[3]).toMatch(/^1 \| \.\.\.x+ \?\?\?="\?" bad y+\.\.\.$/);
      expect(lines[4]?.indexOf('^^^')).toBe(lines[3]?.indexOf('bad'));
    });

    test('cuts out the middle of many lines as well', () => {
      const error = new TsbuildError('DOCKERFILE_SYNTAX', 'x', { source: range(1, 1, 9, 2) });
      expect(ascii(error, 'ä\n'.repeat(9)).slice(8, 10)).toEqual(['  ...', '9 > ?']);
    });
  });

  test('uses color only when it may', () => {
    const options = { sources: new Map<string, string>(), color: true, utf8: true };
    expect(renderError(new TsbuildError('USAGE', 'x'), options)).toContain('\x1b[31m');
  });
});
