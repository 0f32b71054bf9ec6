import { expect, test } from 'vitest';
import { parseTrigger } from '../../../src/parser/parse-dockerfile.js';
import type { EnvInstruction } from '../../../src/parser/instruction.js';
import { bodiesOf, errorOf, expand, instructionsOf, mountOf, NOWHERE, parse, scriptsOf } from './parsing.js';

// What naive implementers get wrong, by the numbers of the project's list.

test('pitfall 1: a comment inside a continuation is dropped and the instruction goes on', () => {
  expect(scriptsOf('RUN a \\\n# one\n   # two, indented\nb # c')).toEqual(['a b # c']);
});

test('pitfall 1: a "#" line inside a heredoc belongs to the heredoc', () => {
  expect(bodiesOf('RUN <<EOF\n# a \\\n\n # b\nEOF')).toMatchObject([
    { command: { heredoc: { content: '# a \\\n\n # b\n' } } },
  ]);
  const error = errorOf(() => instructionsOf('RUN <<EOF\n# EOF\n'));
  expect(error).toMatchObject({ code: 'DOCKERFILE_SYNTAX', message: 'cannot parse RUN: heredoc "EOF" has no end' });
});

test('pitfall 2: empty lines inside a continuation are skipped with a warning at its last line', () => {
  const { stages, warnings } = parse('FROM scratch\nRUN a \\\n\n \t\n b');
  expect(stages[0].instructions).toMatchObject([{ command: { script: 'a  b' } }]);
  expect(warnings.map(({ rule, source }) => [rule, source.start.line])).toEqual([['NoEmptyContinuation', 5]]);
});

test('pitfall 3: blanks at the start of a continuation line are kept', () => {
  expect(bodiesOf('ENV A=a\\\n  b=c')).toEqual([
    {
      entries: [
        { name: 'A', value: 'a' },
        { name: 'b', value: 'c' },
      ],
    },
  ]);
  expect(scriptsOf('RUN a \\\n    b')).toEqual(['a     b']);
});

test('pitfall 4: an escape character before trailing blanks continues the line, two of them do not', () => {
  expect(scriptsOf('RUN a \\ \t\nb')).toEqual(['a b']);
  expect(scriptsOf('RUN a \\\\\nRUN b')).toEqual(['a \\\\', 'b']);
});

test('pitfall 5: a continuation may run into the end of the file', () => {
  expect(scriptsOf('RUN a \\')).toEqual(['a']);
  expect(scriptsOf('RUN a \\\n\n# comment\n')).toEqual(['a']);
});

test('pitfall 6: the escape directive changes continuations and words, but no ONBUILD trigger', () => {
  const { escape, stages } = parse('# escape=`\nFROM scratch\nRUN a\\\nRUN b `\n c\nENV A=b` c D=e\\');
  expect(escape).toBe('`');
  const [first, second, env] = stages[0].instructions;
  expect(first).toMatchObject({ command: { script: 'a\\' } });
  expect(second).toMatchObject({ command: { script: 'b  c' } });
  expect((env as EnvInstruction).entries).toEqual([
    { name: 'A', value: 'b` c' },
    { name: 'D', value: 'e\\' },
  ]);
  expect(parseTrigger('ENV A=b\\ c', NOWHERE)).toMatchObject({ entries: [{ name: 'A', value: 'b\\ c' }] });
});

test('pitfall 7: a directive after any other comment is a plain comment', () => {
  expect(parse('# my file\n# escape=`\nFROM scratch').escape).toBe('\\');
  expect(parse('# foo=bar\n# escape=`\nFROM scratch').escape).toBe('\\');
  expect(parse('\n# escape=`\nFROM scratch').escape).toBe('\\');
  expect(parse('# syntax=x\n#ESCAPE = `\nFROM scratch').escape).toBe('`');
});

test('pitfall 8: what is no JSON is shell form, and JSON with something else than strings an error', () => {
  expect(bodiesOf("CMD ['a','b']")).toEqual([{ command: { form: 'shell', script: "['a','b']" } }]);
  expect(errorOf(() => instructionsOf('CMD ["a", 1]')).code).toBe('DOCKERFILE_SYNTAX');
});

test('pitfall 9: quotes group no words of COPY, a JSON array does', () => {
  expect(bodiesOf('COPY "a b" /x')).toMatchObject([{ sources: ['"a', 'b"'], destination: '/x' }]);
  expect(bodiesOf('COPY ["a b", "/x"]')).toMatchObject([{ sources: ['a b'], destination: '/x' }]);
});

test('pitfall 10: the first word of ENV decides between name=value and the legacy form', () => {
  const entryOf = (text: string): object | undefined => (instructionsOf(text)[0] as EnvInstruction).entries[0];
  expect(entryOf('ENV A b c  d ')).toEqual({ name: 'A', value: 'b c  d' });
  expect(errorOf(() => instructionsOf('ENV A=b c')).message).toBe('cannot parse ENV: "c" has no "="');
  expect(entryOf('ENV A=b\\ c')).toEqual({ name: 'A', value: 'b\\ c' });
  expect(expand('b\\ c')).toBe('b c');
  expect(expand(`"b  c"' d'`)).toBe('b  c d');
});

test('pitfall 11: WORKDIR takes the whole rest of the line', () => {
  expect(bodiesOf('WORKDIR /a b ')).toEqual([{ path: '/a b' }]);
});

test('pitfall 12: in double quotes only the quote, the dollar sign and the escape character are escaped', () => {
  expect(expand('"a\\"b\\$c\\\\d\\ne"')).toBe('a"b$c\\d\\ne');
  expect(expand(`'a\\"b\\$c$d'`)).toBe('a\\"b\\$c$d');
  expect(expand('"a`"b\\c"', {}, '`')).toBe('a"b\\c');
});

test('pitfall 13: flags are split off before all else, for every instruction, and "--" ends them', () => {
  expect(scriptsOf('RUN -- --x')).toEqual(['--x']);
  expect(scriptsOf('RUN --network="none" --\ty')).toEqual(['y']);
  const error = errorOf(() => instructionsOf('STOPSIGNAL --x 9'));
  expect(error.message).toBe('cannot parse STOPSIGNAL: it has no flag "--x"');
});

test('pitfall 14: in a mount, required and size stand behind the type', () => {
  const text = 'required,type=secret,id=a';
  expect(errorOf(() => mountOf(text))).toMatchObject({
    message: `cannot mount "${text}": required is not for type bind`,
    hint: 'It is for secret and ssh; write type=secret before it.',
  });
  expect(errorOf(() => mountOf('target=/a,size=1m,type=tmpfs')).message).toContain('size is not for type bind');
  expect(mountOf('type=secret,id=a,required')).toMatchObject({ required: true });
});

test('pitfall 15: a stage name begins with a letter and is lower-cased', () => {
  expect(parse('FROM a AS My-Stage_1.2').stages[0].name).toBe('my-stage_1.2');
  expect(errorOf(() => parse('FROM a AS 1st')).code).toBe('DOCKERFILE_SYNTAX');
});

test('pitfall 16: the first instruction is FROM or ARG, and there is one', () => {
  expect(parse('# comment\n\nARG A\nFROM a').globalArgs).toHaveLength(1);
  expect(errorOf(() => parse('RUN x\nFROM a')).message).toBe('cannot parse RUN: no FROM stands before it');
  expect(errorOf(() => parse('\n# nothing\n')).message).toBe(
    'cannot parse Dockerfile "Dockerfile": it has no instructions',
  );
});

test('pitfall 17: the words of one ENV are templates side by side, none expanded yet', () => {
  expect(bodiesOf('ENV abc=bye def=$abc')).toEqual([
    {
      entries: [
        { name: 'abc', value: 'bye' },
        { name: 'def', value: '$abc' },
      ],
    },
  ]);
});

test('pitfall 27: a variable that is not set expands to nothing', () => {
  expect(expand('a$FOO/${BAR}b')).toBe('a/b');
});

test('pitfall 62: EXPOSE sorts its arguments', () => {
  expect(bodiesOf('EXPOSE 80 53/udp 443')).toEqual([{ ports: ['443', '53/udp', '80'] }]);
});
