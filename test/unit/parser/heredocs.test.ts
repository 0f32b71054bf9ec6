import { describe, expect, test } from 'vitest';
import type { CopyInstruction } from '../../../src/parser/instruction.js';
import { parseTrigger } from '../../../src/parser/parse-dockerfile.js';
import { bodiesOf, errorOf, instructionsOf, NOWHERE } from './parsing.js';

describe('a heredoc is one only where BuildKit says so', () => {
  test.each([
    'RUN <<EOF\nEOF',
    'RUN 3<<EOF cat\nEOF',
    'RUN << EOF\nEOF',
    "RUN cat <<'E F' <<G\nE F\nG",
    'RUN <<-EOF\n\t\tEOF',
    'RUN <<E"O"F\nEOF',
    'RUN ${x:=y} <<EOF\nEOF',
    'COPY <<a <<b /d/\na\nb',
    'ADD <<EOF /x\nEOF',
    'ONBUILD RUN <<EOF\nEOF',
    'ONBUILD COPY <<EOF /x\nEOF',
    'RUN --network=none <<EOF\nEOF',
    'RUN <<EOF\r\nEOF\r\n',
    'RUN cat \\\n  # comment\n  <<EOF\nEOF',
  ])('%j is one', (text) => {
    expect(instructionsOf(`${text}\nLABEL after=1`)).toMatchObject([{}, { keyword: 'LABEL' }]);
    // Without its last line it has no end: what follows is its content.
    const open = text.slice(0, text.trimEnd().lastIndexOf('\n'));
    expect(errorOf(() => instructionsOf(`${open}\nLABEL after=1`)).message).toMatch(/heredoc ".*" has no end$/);
  });

  test.each([
    'RUN echo "<<EOF"',
    "RUN echo '<<EOF'",
    'RUN cat <<<EOF',
    'RUN echo $((1<<2))"',
    'RUN a<<EOF',
    'RUN echo \\<<EOF',
    'RUN ["cat", "<<EOF"]',
    'CMD cat <<EOF',
    'RUN cat <<',
    'RUN cat <<EOF "',
    'RUN cat <<""',
    'ONBUILD CMD cat <<EOF',
  ])('%j is none', (text) => {
    expect(instructionsOf(`${text}\nLABEL a=b`)).toHaveLength(2);
  });

  test('its terminator is a whole line, with leading tabs only for <<-', () => {
    expect(errorOf(() => instructionsOf('RUN <<EOF\n\tEOF')).code).toBe('DOCKERFILE_SYNTAX');
    expect(errorOf(() => instructionsOf('RUN <<-EOF\n EOF')).code).toBe('DOCKERFILE_SYNTAX');
    expect(errorOf(() => instructionsOf('RUN <<EOF\nEOF \n')).code).toBe('DOCKERFILE_SYNTAX');
    expect(bodiesOf('RUN <<-EOF\n\t\tEOF\n')).toMatchObject([{ command: { form: 'heredoc' } }]);
  });
});

describe('a RUN of one heredoc and nothing else is a script of its own', () => {
  const scriptOf = (text: string): unknown => {
    const [run] = instructionsOf(text);
    if (run?.keyword !== 'RUN' || run.command.form !== 'heredoc') return undefined;
    const { name, content, expand } = run.command.heredoc;
    return [name, content, expand];
  };

  test.each<[string, string, unknown]>([
    [
      'all lines are content, comments and continuations too',
      'RUN <<EOF\na \\\n\n# b\nEOF',
      ['EOF', 'a \\\n\n# b\n', true],
    ],
    ['a quote in the word says so', 'RUN <<"EOF"\n$x\nEOF', ['EOF', '$x\n', false]],
    ['any quote in the word does', "RUN <<E'O'F\nEOF", ['EOF', '', false]],
    ['a quote in quotes is part of the name', `RUN <<"it's"\nit's`, ["it's", '', false]],
    ['an escape is no quote', 'RUN <<\\EOF\nEOF', ['EOF', '', true]],
    ['<<- takes leading tabs off every line', 'RUN <<-E\n\t\ta\n \tb\n\t\n\tE', ['E', 'a\n \tb\n\n', true]],
    ['other leading blanks stay', 'RUN <<E\n\ta\n  b\nE', ['E', '\ta\n  b\n', true]],
    ['line ends are as in the file', 'RUN <<E\r\na\r\nE\r\n', ['E', 'a\r\n', true]],
    ['a number before it changes nothing', 'RUN 3<<E\na\nE', ['E', 'a\n', true]],
    ['flags stand before it', 'RUN --network=none -- <<E\na\nE', ['E', 'a\n', true]],
    ['it may hold what looks like another', 'RUN <<E\ncat <<F\nF\nE', ['E', 'cat <<F\nF\n', true]],
  ])('%s', (_, text, expected) => {
    expect(scriptOf(text)).toEqual(expected);
  });

  test('its range is that of its lines', () => {
    expect(bodiesOf('RUN <<E\na\nb\nE')).toMatchObject([
      { command: { heredoc: { source: { start: { line: 3, column: 1 }, end: { line: 5, column: 1 } } } } },
    ]);
  });
});

test.each([
  ['another word', 'RUN cat <<E\na\nE', 'cat <<E\na\nE'],
  ['a word behind it', 'RUN <<E cat\na\nE', '<<E cat\na\nE'],
  ['a second heredoc', 'RUN <<A <<B\na\nA\nb\nB', '<<A <<B\na\nA\nb\nB'],
  ['tabs that the shell is to take off', 'RUN cat <<-E\n\ta\n\t\tE', 'cat <<-E\n\ta\nE'],
  ['quotes that the shell is to see', `RUN cat <<'E' >"$f"\n$a\nE`, `cat <<'E' >"$f"\n$a\nE`],
  ['a continuation before it', 'RUN cat \\\n  <<E\na\nE', 'cat   <<E\na\nE'],
])('a RUN with %s is text for the shell, heredocs and all', (_, text, script) => {
  expect(bodiesOf(text)).toMatchObject([{ command: { form: 'shell', script } }]);
});

describe('COPY and ADD take heredocs as files', () => {
  const filesOf = (text: string): unknown => {
    const { files, sources } = instructionsOf(text)[0] as CopyInstruction;
    return [files.map(({ name, content, expand }) => [name, content, expand]), sources];
  };

  test.each<[string, string, unknown]>([
    ['one', 'COPY <<a.txt /x\n$A\na.txt', [[['a.txt', '$A\n', true]], []]],
    [
      'several, in order',
      'COPY <<a <<"b" /d/\n1\na\n2\nb',
      [
        [
          ['a', '1\n', true],
          ['b', '2\n', false],
        ],
        [],
      ],
    ],
    [
      'beside paths',
      'ADD <<a p <<-b q /d/\n\t1\na\n\t2\n\tb',
      [
        [
          ['a', '\t1\n', true],
          ['b', '2\n', true],
        ],
        ['p', 'q'],
      ],
    ],
    [
      'two of one name are the last of them, twice',
      'COPY <<a <<a /d/\n1\na\n2\na',
      [
        [
          ['a', '2\n', true],
          ['a', '2\n', true],
        ],
        [],
      ],
    ],
  ])('%s', (_, text, expected) => {
    expect(filesOf(text)).toEqual(expected);
  });

  test.each([
    ['COPY a <<EOF\nEOF', 'cannot parse COPY: its destination "<<EOF" is a heredoc'],
    ['COPY ["<<EOF", "/x"]', 'cannot parse COPY: heredoc "<<EOF" is in quotes, so that no lines belong to it'],
    [`COPY <<EOF it's /x`, 'cannot parse COPY: heredoc "<<EOF" is in quotes, so that no lines belong to it'],
    ['ADD << EOF /x\nEOF', 'cannot parse ADD: the word of heredoc "EOF" has blanks in it'],
    ['ADD <<"E F" /x\nE F', 'cannot parse ADD: the word of heredoc "E F" has blanks in it'],
  ])('%j is refused', (text, message) => {
    expect(errorOf(() => instructionsOf(text))).toMatchObject({ code: 'DOCKERFILE_SYNTAX', message });
  });
});

test('ONBUILD keeps heredocs in its trigger, which parses to the same', () => {
  const [onbuild] = instructionsOf('ONBUILD COPY <<-a <<b /d/\n\t1\n\ta\n2\nb');
  const trigger = onbuild?.keyword === 'ONBUILD' ? onbuild.trigger : '';
  expect(trigger).toBe('COPY <<-a <<b /d/\n\t1\na\n2\nb');
  expect(parseTrigger(trigger, NOWHERE)).toMatchObject({
    files: [
      { name: 'a', content: '1\n' },
      { name: 'b', content: '2\n' },
    ],
  });
});
