import { describe, expect, test } from 'vitest';
import { parseArguments, type ParsedArguments } from '../../../../src/cli/argv.js';
import { argumentsSpec } from '../../../../src/cli/command.js';
import { COMMANDS } from '../../../../src/cli/tables/command-table.js';
import { readTimes, withOutputTimes, type Times } from '../../../../src/cli/options/time-options.js';

const build = COMMANDS.find(({ name }) => name === 'build');
if (build === undefined) throw new Error('there is a command build');
const spec = argumentsSpec(build);

function parse(words: readonly string[]): ParsedArguments {
  return parseArguments([...words, '.'], spec);
}

function times(words: readonly string[], from: { buildArgs?: Record<string, string>; env?: Record<string, string> }) {
  return readTimes(parse(words), { buildArgs: from.buildArgs ?? {}, env: from.env ?? {} });
}

describe('the time of an image', () => {
  const arg = { SOURCE_DATE_EPOCH: '5' };
  const env = { SOURCE_DATE_EPOCH: '7' };
  test.each<[string, string[], Parameters<typeof times>[1], Times]>([
    ['nobody', [], {}, { sourceDateEpoch: undefined }],
    ['the environment', [], { env }, { sourceDateEpoch: 7 }],
    ['a build argument before it', [], { env, buildArgs: arg }, { sourceDateEpoch: 5 }],
    ['the option before it', ['--source-date-epoch', '9'], { env }, { sourceDateEpoch: 9 }],
    ['the option and the argument', ['--source-date-epoch=5'], { buildArgs: arg }, { sourceDateEpoch: 5 }],
    ['--timestamp, for all files', ['--timestamp=0'], { env }, { sourceDateEpoch: 0, fileTimes: 'all' }],
    ['--rewrite-timestamp', ['--rewrite-timestamp'], { env }, { sourceDateEpoch: 7 }],
    ['=false', ['--rewrite-timestamp=false'], { env }, { sourceDateEpoch: 7, fileTimes: 'kept' }],
  ])('is told by %s', (_, words, from, expected) => {
    expect(times(words, from)).toEqual(expected);
  });

  test.each<[string[], RegExp]>([
    [['--timestamp=1', '--source-date-epoch=1'], /--timestamp and --source-date-epoch together/],
    [['--timestamp=1', '--rewrite-timestamp=false'], /=false keeps the times/],
    [['--timestamp=now'], /cannot use --timestamp "now": not a number of seconds/],
    [['--source-date-epoch=6'], /the build argument SOURCE_DATE_EPOCH is "5"/],
  ])('is told once: %s', (words, message) => {
    expect(() => times(words, { buildArgs: /=6/.test(words.join()) ? arg : {} })).toThrow(message);
  });
});

describe('rewrite-timestamp of outputs', () => {
  const given = { sourceDateEpoch: 1 };

  test('is what is usual, unless it is false', () => {
    expect(withOutputTimes(given, [true, true])).toEqual({ times: {} });
    expect(withOutputTimes(given, [])).toEqual({ times: {} });
    expect(withOutputTimes(given, [false])).toEqual({ times: { fileTimes: 'kept' } });
  });

  test('is told of when there is no time to bound by', () => {
    expect(withOutputTimes({}, [true]).warning).toContain('no SOURCE_DATE_EPOCH');
    expect(withOutputTimes({}, [false]).warning).toBeUndefined();
  });

  test.each<[Times, boolean[]]>([
    [given, [true, false]],
    [{ ...given, fileTimes: 'all' }, [false]],
    [{ ...given, fileTimes: 'kept' }, [true]],
  ])('cannot be both: %j %j', (times, outputs) => {
    expect(() => withOutputTimes(times, outputs)).toThrow(/cannot use rewrite-timestamp=/);
  });
});
