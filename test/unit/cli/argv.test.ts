import { describe, expect, test } from 'vitest';
import { parseArguments, type ArgumentsSpec } from '../../../src/cli/argv.js';
import { argumentsSpec } from '../../../src/cli/command.js';
import { COMMANDS } from '../../../src/cli/tables/command-table.js';
import type { TsbuildError } from '../../../src/support/errors.js';

const SPEC: ArgumentsSpec = {
  command: 'tsbuild build',
  options: [
    { name: 'tag', short: 't', kind: 'list', about: '' },
    { name: 'file', short: 'f', kind: 'value', about: '' },
    { name: 'quiet', short: 'q', kind: 'flag', about: '' },
    { name: 'no-cache', kind: 'flag', about: '' },
    { name: 'help', short: 'h', kind: 'flag', about: '' },
  ],
  positionals: { min: 1, max: 1 },
  unsupported: ['secret'],
};

function read(...words: string[]): object {
  const parsed = parseArguments(words, SPEC);
  return {
    tag: parsed.list('tag'),
    file: parsed.value('file'),
    quiet: parsed.flag('quiet'),
    words: parsed.positionals,
  };
}

function failure(words: readonly string[], spec: ArgumentsSpec = SPEC): TsbuildError {
  try {
    parseArguments(words, spec);
  } catch (error) {
    return error as TsbuildError;
  }
  throw new Error('nothing was thrown');
}

describe('parseArguments()', () => {
  const full = { tag: ['x'], file: 'd', quiet: false, words: ['.'] };
  test.each<[string, string[], object]>([
    ['options before the path', ['-t', 'x', '-f', 'd', '.'], full],
    ['options after the path', ['.', '-t', 'x', '-f', 'd'], full],
    ['options around the path', ['-t', 'x', '.', '-f', 'd'], full],
    ['values after an equals sign', ['--tag=x', '--file=d', '.'], full],
    ['values in the next word', ['--tag', 'x', '--file', 'd', '.'], full],
    ['values in the same word as a letter', ['-tx', '-f=d', '.'], full],
    ['combined letters, the last with a value', ['-qfd', '.'], { tag: [], file: 'd', quiet: true, words: ['.'] }],
    ['combined letters, the value apart', ['-qf', 'd', '.'], { tag: [], file: 'd', quiet: true, words: ['.'] }],
    [
      'repeated lists in order',
      ['-t', 'a', '.', '-t', 'b'],
      { tag: ['a', 'b'], file: undefined, quiet: false, words: ['.'] },
    ],
    ['the last of repeated values', ['-f', 'a', '-f', 'b', '.'], { tag: [], file: 'b', quiet: false, words: ['.'] }],
    [
      'a flag that is switched off',
      ['-q', '--quiet=false', '.'],
      { tag: [], file: undefined, quiet: false, words: ['.'] },
    ],
    ['a dash as a value', ['-f', '-', '.'], { tag: [], file: '-', quiet: false, words: ['.'] }],
    ['a dash as the path', ['-'], { tag: [], file: undefined, quiet: false, words: ['-'] }],
    ['no options after two dashes', ['--', '-q'], { tag: [], file: undefined, quiet: false, words: ['-q'] }],
    ['an empty value', ['--file=', '.'], { tag: [], file: '', quiet: false, words: ['.'] }],
    ['a value with equals signs', ['--tag=a=b', '.'], { tag: ['a=b'], file: undefined, quiet: false, words: ['.'] }],
  ])('takes %s', (_, words, expected) => {
    expect(read(...words)).toEqual(expected);
  });

  test.each<[string, string[], string, string]>([
    [
      'suggests a flag for a mistyped one',
      ['--tga', 'x', '.'],
      'cannot use flag "--tga": tsbuild build has no such flag',
      "Did you mean --tag? See 'tsbuild build --help'.",
    ],
    [
      'names an unknown letter',
      ['-qx', '.'],
      'cannot use flag "-x": tsbuild build has no such flag',
      "See 'tsbuild build --help'.",
    ],
    [
      "tells Docker's flags from unknown ones",
      ['--secret', 'id=a', '.'],
      'cannot use flag "--secret": this version of tsbuild does not support it',
      "See 'tsbuild build --help'.",
    ],
    [
      'misses a value at the end',
      ['.', '--file'],
      'cannot use flag "--file": it needs a value',
      "See 'tsbuild build --help'.",
    ],
    [
      'takes no flag for a value',
      ['-t', '-f', 'd', '.'],
      'cannot use flag "-t": it needs a value, and "-f" is a flag',
      "To give that very value, write -t=-f. See 'tsbuild build --help'.",
    ],
    [
      'wants true or false of a flag',
      ['--no-cache=maybe', '.'],
      'cannot use flag "--no-cache": "maybe" is neither true nor false',
      "See 'tsbuild build --help'.",
    ],
    [
      'misses the path',
      ['-q'],
      'cannot run "tsbuild build": it takes exactly 1 argument, 0 given',
      "See 'tsbuild build --help'.",
    ],
    [
      'names the word that is too many',
      ['.', '..'],
      'cannot run "tsbuild build": it takes exactly 1 argument, 2 given, the first too many is ".."',
      "See 'tsbuild build --help'.",
    ],
  ])('%s', (_, words, message, hint) => {
    const error = failure(words);
    expect([error.code, error.message, error.hint]).toEqual(['USAGE', message, hint]);
  });

  test('leaves the arguments unchecked when help is asked for', () => {
    expect(parseArguments(['--help'], SPEC).flag('help')).toBe(true);
  });

  test.each([
    [{ min: 0, max: 0 }, ['a'], 'no arguments, 1 given, the first too many is "a"'],
    [{ min: 1, max: Number.POSITIVE_INFINITY }, [], 'at least 1 argument, 0 given'],
    [{ min: 0, max: 1 }, ['a', 'b'], 'at most 1 argument, 2 given, the first too many is "b"'],
  ])('says how many arguments %j takes', (positionals, words, expected) => {
    expect(failure(words, { ...SPEC, positionals }).message).toContain(expected);
  });
});

describe('the table of commands', () => {
  test.each(COMMANDS.map((command) => [command.name, command] as const))(
    'gives %s options of its own',
    (_, command) => {
      const { options, unsupported = [] } = argumentsSpec(command);
      const names = options.map(({ name }) => name);
      const letters = options.flatMap(({ short }) => short ?? []);
      expect(new Set(names).size).toBe(names.length);
      expect(new Set(letters).size).toBe(letters.length);
      expect(unsupported.filter((name) => names.includes(name))).toEqual([]);
    },
  );

  test.each(COMMANDS.map((command) => [command.name, command] as const))('has code for %s', async (_, command) => {
    expect(typeof (await command.load()).run).toBe('function');
  });
});
