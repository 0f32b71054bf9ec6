import { describe, expect, test } from 'vitest';
import { parseTrigger } from '../../../src/parser/parse-dockerfile.js';
import { bodiesOf, errorOf, instructionsOf, NOWHERE, parse, scriptsOf } from './parsing.js';

describe('source ranges point into the text as it was given', () => {
  const text = (lineEnd: string): string =>
    ['FROM scratch', '  RUN a \\', '# comment', '  b  ', 'COPY --from=0 x y', ''].join(lineEnd);

  test.each([
    ['LF', text('\n')],
    ['CRLF', text('\r\n')],
    ['a byte order mark', `\uFEFF${text('\n')}`],
  ])('with %s', (_, file) => {
    const { stages } = parse(file);
    const ranges = [stages[0], ...stages[0].instructions].map(({ source }) => source);
    expect(ranges).toEqual([
      { file: 'Dockerfile', start: { line: 1, column: 1 }, end: { line: 1, column: 13 } },
      { file: 'Dockerfile', start: { line: 2, column: 3 }, end: { line: 4, column: 4 } },
      { file: 'Dockerfile', start: { line: 5, column: 1 }, end: { line: 5, column: 18 } },
    ]);
    expect(stages[0].instructions.map((instruction) => instruction.text)).toEqual(['RUN a   b', 'COPY --from=0 x y']);
  });

  test('a keyword broken by continuations is one keyword', () => {
    expect(instructionsOf('RU\\\n\n# c\n\\\nN x')).toMatchObject([{ keyword: 'RUN', text: 'RUN x' }]);
  });

  test('a wrong flag on a continuation line is pointed at', () => {
    const error = errorOf(() => instructionsOf('COPY --from=0 \\\n  --frm=1 a b'));
    expect(error.source).toMatchObject({ start: { line: 3, column: 3 }, end: { line: 3, column: 10 } });
  });
});

describe('words are split by what Go calls white space', () => {
  test('vertical tabs and form feeds separate, no-break spaces do not', () => {
    expect(bodiesOf('\fCOPY\va\u00a0b\tc')).toMatchObject([{ sources: ['a\u00a0b'], destination: 'c' }]);
  });

  test('a carriage return inside a line ends no line', () => {
    expect(scriptsOf('RUN a\rRUN b')).toEqual(['a\rRUN b']);
  });
});

describe('HEALTHCHECK durations are Go durations in nanoseconds', () => {
  test.each([
    ['1m30s', 90e9],
    ['500ms', 500e6],
    ['1.5h', 5_400e9],
    ['+1s', 1e9],
    ['0', 0],
    ['0s', 0],
    ['.5s', 0.5e9],
    ['1h1m1s1ms1us1ns', 3_661_001_001_001],
    ['1000\u00b5s', 1e6],
  ])('%s', (text, nanoseconds) => {
    expect(bodiesOf(`HEALTHCHECK --interval=${text} CMD true`)).toMatchObject([{ interval: nanoseconds }]);
  });

  test.each(['30', '1 s', 's', '.s', '1d', '-1s', '999us', '1e3s', '9999999h', '1s2'])('%s is refused', (text) => {
    expect(errorOf(() => instructionsOf(`HEALTHCHECK --interval="${text}" CMD true`)).code).toBe('DOCKERFILE_SYNTAX');
  });

  test('what is not given is not there', () => {
    expect(bodiesOf('HEALTHCHECK --timeout= CMD true')).toEqual([{ command: { form: 'shell', script: 'true' } }]);
    expect(bodiesOf('HEALTHCHECK none')).toEqual([{ command: null }]);
  });
});

describe('ONBUILD', () => {
  test('keeps the text behind it', () => {
    expect(bodiesOf('onbuild  COPY --from=0 \\\n  a b ')).toEqual([{ trigger: 'COPY --from=0   a b ' }]);
  });

  test('is checked as the build on top of the image will read it', () => {
    expect(errorOf(() => instructionsOf('ONBUILD COPY a')).message).toBe('cannot parse COPY: it has no destination');
    expect(errorOf(() => parseTrigger('RUN a\nRUN b', NOWHERE)).code).toBe('DOCKERFILE_SYNTAX');
    expect(errorOf(() => parseTrigger('', NOWHERE)).source).toEqual(NOWHERE);
    expect(errorOf(() => parseTrigger('FROM a', NOWHERE)).message).toBe(
      'cannot parse FROM: no trigger can begin a stage',
    );
  });

  test('a trigger of an image parses with the range of its FROM', () => {
    expect(parseTrigger('RUN a \\\n b', NOWHERE)).toMatchObject({
      keyword: 'RUN',
      source: NOWHERE,
      command: { script: 'a  b' },
    });
  });
});

test('what check comments ask for comes with the file, the instruction and the warning', () => {
  const text = '# check=skip=StageNameCasing;error=true\nFROM a AS B\n# note\n# check=skip=all\nMAINTAINER me\n';
  const { check, stages, warnings } = parse(text);
  const all = { skip: 'all', experimental: [], failOnWarning: false };
  expect(check).toEqual({ skip: ['StageNameCasing'], experimental: [], failOnWarning: true });
  expect(stages[0].instructions[0]?.check).toEqual(all);
  expect(warnings.map(({ rule, check: asked }) => [rule, asked])).toEqual([
    ['StageNameCasing', undefined],
    ['MaintainerDeprecated', all],
  ]);
});

test('binary content is refused where it begins', () => {
  const error = errorOf(() => parse('FROM a\nRUN \0'));
  expect(error).toMatchObject({ code: 'DOCKERFILE_SYNTAX', source: { start: { line: 2, column: 5 } } });
});

test('messages show long and hostile values cut short and harmless', () => {
  const { message } = errorOf(() => instructionsOf(`\u001b[31m${'x'.repeat(1_000)}`));
  expect(message).toHaveLength(120 + 'cannot parse instruction "...": there is no such instruction'.length);
  expect(message).not.toContain('\u001b');
});

test('a Dockerfile survives a round trip through JSON', () => {
  const dockerfile = parse('ARG A\nFROM a AS b\nENV A=1\nHEALTHCHECK NONE\nRUN x');
  expect(JSON.parse(JSON.stringify(dockerfile))).toEqual(dockerfile);
});
