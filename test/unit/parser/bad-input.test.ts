import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createIgnoreMatcher } from '../../../src/parser/ignore-file.js';
import { parseMount } from '../../../src/parser/instructions/run/parse-mount.js';
import { isTsbuildError } from '../../../src/support/errors.js';
import { expectLinear } from '../../support/growth.js';
import { errorOf, expand, instructionsOf, NOWHERE, parse } from './parsing.js';
import { runs } from '../../support/runs.js';

// Texts come from files that nobody vouches for.
const RUNS = runs(10_000);

/** Whatever happens is a value or one of our errors. */
function answers(action: () => unknown, code: RegExp): void {
  try {
    action();
  } catch (error) {
    if (!isTsbuildError(error)) throw error;
    expect(error.code).toMatch(code);
    expect(error.source?.file).toBe('Dockerfile');
    expect(error.source?.start.line).toBeGreaterThan(0);
    expect(error.hint).toMatch(/[.?]$/);
  }
}

const piece = fc.constantFrom(
  ...['FROM a', 'RUN', 'COPY', 'ADD', 'ENV', 'ONBUILD', 'HEALTHCHECK', 'CMD', '# escape=`', '# check=', '#', '<<EOF'],
  ...['EOF', '<<-EOF', '<<"EOF"', '--', '--from=', '--mount=', '--device=', '=', '"', "'", '\\', '`', '$', '${', '}'],
  ...['[', ']', '["a"]', ' ', '\t', '\n', '\\\n', '\r\n', '\r', '\uFEFF', '\u00a0', '\f', '\u{1f680}', '\ud800', 'x'],
);
const text = fc.oneof(
  { weight: 3, arbitrary: fc.array(piece, { maxLength: 30 }).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
);

describe('whatever the text', () => {
  test('CVE-2024-23650: the parser returns a Dockerfile or throws a DOCKERFILE_* error with range and hint', () => {
    fc.assert(
      fc.property(fc.constantFrom('', 'FROM a\n'), text, (start, rest) => {
        answers(() => parse(start + rest), /^DOCKERFILE_/);
      }),
      { numRuns: RUNS },
    );
  });

  test('a mount is read or refused', () => {
    const option = fc.tuple(
      fc.constantFrom(
        'type',
        'target',
        'from',
        'source',
        'ro',
        'rw',
        'id',
        'sharing',
        'size',
        'mode',
        'uid',
        'env',
        'required',
        'x',
        '',
      ),
      fc.constantFrom(
        '',
        '=',
        '=bind',
        '=cache',
        '=tmpfs',
        '=secret',
        '=ssh',
        '=$A',
        '=${',
        '=1',
        '=0755',
        '=1m',
        '="',
        '=/a',
        '=true',
      ),
    );
    const mount = fc.oneof(
      fc.array(option, { maxLength: 6 }).map((options) => options.map((parts) => parts.join('')).join(',')),
      fc.string(),
    );
    fc.assert(
      fc.property(mount, (value) => {
        answers(
          () => parseMount({ text: value, source: NOWHERE }, (template) => expand(template, { A: 'x' })),
          /^DOCKERFILE_/,
        );
      }),
      { numRuns: RUNS },
    );
  });

  test('a template expands or is refused', () => {
    const part = fc.constantFrom(
      '$A',
      '${A',
      ':-',
      ':+',
      ':?',
      '#',
      '%',
      '/',
      '}',
      '*',
      '?',
      '\\',
      '"',
      "'",
      'a',
      ' ',
      '$',
      '{',
      '<<',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
        answers(() => expand(parts.join(''), { A: 'a/b.c' }), /^DOCKERFILE_S/);
      }),
      { numRuns: RUNS },
    );
  });

  test('an ignore file is read or refused as CONTEXT_INVALID, and matches any path', () => {
    const line = fc
      .array(
        fc.constantFrom('*', '**', '?', '[', ']', '^', '-', '\\', '/', '!', '#', ' ', '.', '..', 'a', 'b', '\u{1f680}'),
        { maxLength: 10 },
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 5 }),
        fc.constantFrom('a', 'a/b', 'b/a/a', '.a', 'a\n'),
        (lines, path) => {
          answers(() => {
            const matcher = createIgnoreMatcher(lines.join('\n'), { file: 'Dockerfile' });
            expect(typeof matcher.ignores(path)).toBe('boolean');
            expect(typeof matcher.mayContainIncluded(path)).toBe('boolean');
          }, /^CONTEXT_INVALID$/);
        },
      ),
      { numRuns: RUNS },
    );
  });
});

describe('time grows with the length of the input, not with its square', () => {
  const shapes: Readonly<Record<string, (lines: number) => string>> = {
    instructions: (lines) => 'ENV A=1 B="c d"\nRUN x \\\n  y\nCOPY a b\n# c\n'.repeat(lines / 5),
    'one RUN': (lines) => 'RUN x' + ' \\\n  && y'.repeat(lines),
    'empty continuations': (lines) => 'RUN x \\\n\n'.repeat(lines / 2),
    stages: (lines) => 'FROM a AS b\n'.repeat(lines),
    'heredocs, one after the other': (lines) => 'RUN <<E\na\nb\nE\n'.repeat(lines / 4),
    'heredocs of one COPY': (lines) => {
      const names = Array.from({ length: lines / 4 }, (_, index) => `E${index}`);
      return `COPY ${names.map((name) => `<<${name}`).join(' \\\n')} /d/\n${names.map((name) => `x\n${name}\n`).join('')}`;
    },
    mounts: (lines) => `RUN ${'--mount=target=/a \\\n'.repeat(lines)}x`,
    comments: (lines) => `${'# check=skip=all\n'.repeat(lines)}RUN x`,
    'words of one ENV': (lines) => `ENV ${'A="b" \\\n'.repeat(lines)}B=c`,
  };

  test.each(Object.keys(shapes))('Dockerfile: %s', (shape) => {
    expectLinear(600, (lines) => {
      const file = `FROM a\n${shapes[shape]?.(lines) ?? ''}`;
      return () => parse(file);
    });
  });

  test.each<[string, (size: number) => [string, Record<string, string>]]>([
    ['words', (size) => ['a $A "b" '.repeat(size), { A: 'x' }]],
    ['nothing to replace', (size) => ['${A//*x/y}', { A: 'a'.repeat(size * 10) }]],
    ['much to replace', (size) => ['${A//a/y}', { A: 'a'.repeat(size * 10) }]],
    ['many words with defaults', (size) => ['${X:-a}'.repeat(size), {}]],
  ])('expansion: %s', (_, make) => {
    expectLinear(300, (size) => {
      const [template, env] = make(size);
      return () => expand(template, env);
    });
  });

  test.each<[string, (size: number) => [string, string]]>([
    ['wildcards that cross directories', (size) => ['**/a/**/a/**/b\n'.repeat(size), 'a/a/a/a/x']],
    ['wildcards within a name', (size) => ['*a*a*a*b', 'a'.repeat(size)]],
    ['patterns', (size) => ['a/b\n!c\n'.repeat(size), 'x/y']],
  ])('ignore file: %s', (_, make) => {
    expectLinear(250, (size) => {
      const [file, path] = make(size);
      return () => createIgnoreMatcher(file, { file: 'x' }).ignores(path);
    });
  });
});

test('a path as deep as the kernel allows is decided', () => {
  const deep = 'a/'.repeat(2047) + 'b';
  const { ignores } = createIgnoreMatcher('**/a/**/a/**/b', { file: 'x' });
  expect(ignores(deep)).toBe(true);
  expect(ignores(`${deep}c`)).toBe(false);
});

describe('what is out of all measure', () => {
  test('a thousand stages, each from the one before, parse', () => {
    const stages = Array.from({ length: 1_000 }, (_, index) => `FROM s${index} AS s${index + 1}\nRUN x`);
    expect(parse(stages.join('\n')).stages).toHaveLength(1_000);
  });

  test('a line holds 65,535 bytes and not one more', () => {
    expect(instructionsOf(`RUN ${'é'.repeat(32_765)}a\n`)).toHaveLength(1);
    const error = errorOf(() => instructionsOf(`RUN ${'é'.repeat(32_766)}\n`));
    expect(error.message).toBe('cannot parse line: it is 65536 bytes long');
  });

  test('lines of 65,535 bytes may be joined to any length, and a heredoc holds any number of them', () => {
    const line = 'x'.repeat(65_000);
    expect(instructionsOf(`RUN ${`${line} \\\n`.repeat(5)}`)).toHaveLength(1);
    expect(instructionsOf(`RUN <<EOF\n${`${line}\n`.repeat(5)}EOF`)).toHaveLength(1);
  });

  test('variables nest 200 deep', () => {
    const nested = (depth: number): string => `${'${A:-'.repeat(depth)}x${'}'.repeat(depth)}`;
    expect(expand(nested(199))).toBe('x');
    expect(errorOf(() => expand(nested(1_000)))).toMatchObject({
      code: 'DOCKERFILE_SYNTAX',
      message: expect.stringContaining('nested more than 200 times') as string,
    });
  });

  test('a value that doubles line by line ends at 16 MiB', () => {
    const A = 'x'.repeat(9 << 20);
    expect(expand('$A', { A })).toHaveLength(9 << 20);
    expect(errorOf(() => expand('$A$A', { A }))).toMatchObject({
      code: 'DOCKERFILE_SYNTAX',
      message: 'cannot expand "$A$A": the result is longer than 16 MiB',
    });
  });

  test('a pattern and a value that are long both are refused', () => {
    const A = 'a'.repeat(50_000);
    expect(expand('${A%%a*}', { A })).toBe('');
    expect(errorOf(() => expand(`\${A##${'*a'.repeat(500)}}`, { A })).message).toContain(
      'is too long for a value of 50000',
    );
  });

  test.each(['ONBUILD ONBUILD RUN x', 'ONBUILD onbuild ONBUILD COPY a b'])('%s is refused', (line) => {
    expect(errorOf(() => instructionsOf(line)).message).toBe('cannot parse ONBUILD: ONBUILD cannot be triggered');
  });
});
