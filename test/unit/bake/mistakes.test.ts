import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadDefinition } from '../../../src/bake/load-definition.js';
import { resolveTargets } from '../../../src/bake/target/resolve-targets.js';
import { isTsbuildError, type TsbuildError } from '../../../src/support/errors.js';
import { runs } from '../../support/runs.js';

async function build(name: string, text: string): Promise<void> {
  const definition = await loadDefinition([{ name, text }], {
    lookUp: () => undefined,
    home: '/root',
    sourceDateEpoch: undefined,
    builtIn: new Map(),
    compose: { variables: () => undefined },
  });
  resolveTargets(definition, ['default'], { overrides: [], env: () => undefined });
}

async function mistake(name: string, text: string): Promise<TsbuildError> {
  const error: unknown = await build(name, text).catch((reason: unknown) => reason);
  if (isTsbuildError(error)) return error;
  throw new Error(`no mistake was found, but ${String(error)}`);
}

describe('mistakes in a definition are told with their place', () => {
  test.each([
    [
      'an unknown key',
      'target "default" {\n  taggs = []\n}\n',
      'cannot read target "default": it has no "taggs"',
      2,
      3,
    ],
    [
      'a variable that is not there',
      'target "default" {\n  tags = [TAGG]\n}\n',
      'cannot use variable "TAGG": there is none',
      2,
      11,
    ],
    ['a function that is not there', 'x = uper("a")\n', 'cannot call uper(): there is no such function', 1, 5],
    ['a text without end', 'x = "abc\n', 'the text has no end on this line', 1, 9],
    ['a block without end', 'target "default" {\n', 'at the end of the target that begins at line 1', 2, 1],
    ['a division by zero', 'x = 1 / 0\n', 'cannot evaluate "1 / 0": nothing can be divided by zero', 1, 5],
    ['variables in a circle', 'a = b\nb = a\n', 'cannot evaluate variable "a": it depends on itself', 2, 5],
    [
      'a function that calls itself',
      'function "f" {\n  params = []\n  result = f()\n}\nx = f()\n',
      'it calls itself',
      3,
      12,
    ],
    [
      'targets that refer to each other',
      'target "default" {\n  dockerfile = target.b.dockerfile\n}\ntarget "b" {\n  dockerfile = target.default.dockerfile\n}\n',
      'it depends on itself',
      2,
      3,
    ],
    ['a matrix without names', 'target "default" {\n  matrix = { a = [1, 2] }\n}\n', 'the matrix gives it twice', 1, 8],
    ['the clock', 'x = timestamp()\n', 'what a build gives does not depend on the clock', 1, 5],
    ['chance', 'x = uuidv4()\n', 'its result is another one each time', 1, 5],
    ['null in a text', 'x = "a${null}"\n', 'a string is wanted, not null', 1, 9],
    [
      'a pattern that takes for ever',
      `x = regex("^(a+)+$", "${'a'.repeat(40)}!")\n`,
      'the search takes too long',
      1,
      5,
    ],
  ])('%s', async (_, text, message, line, column) => {
    const error = await mistake('docker-bake.hcl', text);
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toContain(message);
    expect(error.source?.start).toEqual({ line, column });
  });

  test('in JSON, at the string that they are in', async () => {
    const error = await mistake('docker-bake.json', '{\n "target": {"default": {"tags": ["${nope}"]}}\n}');
    expect(error.message).toBe('cannot use variable "nope": there is none');
    expect(error.source?.start).toEqual({ line: 2, column: 34 });
  });

  test('in compose files, too', async () => {
    const error = await mistake('compose.yaml', 'services:\n  a:\n    build:\n      contxt: .\n');
    expect(error).toMatchObject({
      message: expect.stringContaining('"contxt" of "build" is not supported') as string,
      hint: 'Did you mean context?',
    });
    expect(error.source?.start).toEqual({ line: 4, column: 7 });
  });

  test.each([
    [
      'inherits',
      'target "default" {\n  inherits = ["b"]\n}\ntarget "b" {\n  inherits = ["default"]\n}\n',
      'default → b → default',
    ],
    ['contexts', 'target "default" {\n  contexts = { x = "target:default" }\n}\n', 'default → default'],
    [
      'groups',
      'group "default" {\n  targets = ["g"]\n}\ngroup "g" {\n  targets = ["default"]\n}\n',
      'default → g → default',
    ],
  ])('%s in a circle are named', async (_, text, circle) => {
    const error = await mistake('docker-bake.hcl', text);
    expect(error.message).toContain('it depends on itself');
    expect(error.hint).toBe(`The circle is ${circle}.`);
  });
});

describe('a definition cannot take too much', () => {
  const doubling = Array.from({ length: 60 }, (_, n) => `v${n + 1} = "\${v${n}}\${v${n}}"`).join('\n');
  test.each([
    ['text that doubles with each line', `v0 = "${'x'.repeat(64)}"\n${doubling}\n`, 'it takes too much work'],
    ['brackets in brackets', `x = ${'['.repeat(5000)}`, 'expressions are within each other'],
    [
      'a matrix of millions',
      `target "default" {\n  matrix = { a = range(1000), b = range(1000) }\n  name = "x-\${a}-\${b}"\n}\n`,
      'more than 5000 targets',
    ],
    [
      'loops in loops',
      'x = [for a in range(1000) : [for b in range(1000) : [for c in range(1000) : c]]]\n',
      'it takes too much work',
    ],
  ])('%s', async (_, text, message) => {
    expect((await mistake('docker-bake.hcl', text)).message).toContain(message);
  });

  test('aliases that multiply', async () => {
    const lines = Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(', ')}]`);
    expect((await mistake('compose.yaml', `a0: &a0 [x]\n${lines.join('\n')}\n`)).message).toContain('it is too large');
  });
});

test('whatever a file holds, it is read or refused', async () => {
  const word = fc.constantFrom(
    'target "a" {',
    '}',
    'x = ',
    '"${',
    '}"',
    '<<E\n',
    'E\n',
    '[',
    ']',
    '(',
    ')',
    'for ',
    'in ',
    ':',
    '? ',
    '1',
    'a.b',
    '\n',
    '%{if',
    '*',
    '!',
    ',',
    '=>',
    '...',
    '\\',
    '{',
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(word, { maxLength: 30 }),
      fc.constantFrom('a.hcl', 'a.json', 'a.yaml'),
      async (words, name) => {
        const error: unknown = await build(name, words.join('')).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(error === undefined || isTsbuildError(error, 'CONFIG_INVALID') || isTsbuildError(error, 'USAGE')).toBe(
          true,
        );
      },
    ),
    { numRuns: runs(300) },
  );
});
