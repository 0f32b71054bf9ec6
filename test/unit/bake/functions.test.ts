import { describe, expect, test } from 'vitest';
import { callStandard, standardFunctions } from '../../../src/bake/functions/function-table.js';
import { interpolate } from '../../../src/bake/compose/interpolate.js';
import { parseDotenv } from '../../../src/bake/compose/dotenv.js';
import { globMatches } from '../../../src/bake/target/glob.js';
import { SourceText } from '../../../src/bake/source-text.js';
import type { Value } from '../../../src/bake/value.js';

const functions = standardFunctions({ home: '/home/u', sourceDateEpoch: 1_577_934_245 });
const span = { source: new SourceText('x', ''), start: 0, end: 0 };
const call = (name: string, ...args: Value[]): Value => callStandard(functions, { name, args, span });

describe('functions that docker buildx has since', () => {
  test.each<[string, Value[], Value]>([
    ['semvercmp', ['1.2.3', '^1.2'], true],
    ['semvercmp', ['2.0.0', '^1.2'], false],
    ['semvercmp', ['1.2.9', '~1.2.3'], true],
    ['semvercmp', ['1.3.0', '~1.2.3'], false],
    ['semvercmp', ['0.3.0', '^0.2.1'], false],
    ['semvercmp', ['1.5.0', '>=1.2, <2'], true],
    ['semvercmp', ['3.0.0', '<1 || >=3'], true],
    ['semvercmp', ['1.4.9', '1.2 - 1.4'], true],
    ['semvercmp', ['1.2.3-rc.1', '>=1.2'], false],
    ['semvercmp', ['1.2.3-rc.2', '>1.2.3-rc.1'], true],
    ['semvercmp', ['1.9.0', '1.x'], true],
    ['formattimestamp', ['YYYY-MM-DD', 0], '1970-01-01'],
    ['formattimestamp', ['X', '1970-01-01T01:00:00+01:00'], '0'],
    ['timestamp', [], '2020-01-02T03:04:05Z'],
    ['homedir', [], '/home/u'],
    ['cidrhost', ['2001:db8::/64', 16], '2001:db8::10'],
    ['cidrnetmask', ['172.16.0.0/12'], '255.240.0.0'],
    ['cidrhost', ['10.0.0.0/24', -1], '10.0.0.255'],
  ])('%s(%j) is %j', (name, args, result) => {
    expect(call(name, ...args)).toEqual(result);
  });

  test('a unix time in its parts', () => {
    const parts = call('unixtimestampparse', 1_609_459_199);
    expect(Object.fromEntries(parts as ReadonlyMap<string, Value>)).toMatchObject({
      year: 2020,
      year_day: 366,
      month_name: 'December',
      weekday_name: 'Thursday',
      iso_week: 53,
      rfc3339: '2020-12-31T23:59:59Z',
    });
  });
});

describe('variables of compose files', () => {
  const variables = new Map([
    ['A', 'a'],
    ['EMPTY', ''],
  ]);
  test.each([
    ['$A-${A}', 'a-a'],
    ['${B:-d}${EMPTY:-e}${EMPTY-f}', 'de'],
    ['${A:+x}${B+y}', 'x'],
    ['$$A ${B:-${A}}', '$A a'],
    ['$NOPE.', '.'],
  ])('%s is %j', (text, result) => {
    expect(interpolate(text, (name) => variables.get(name))).toBe(result);
  });

  test.each(['${A', '${}', '$ x', '${B?}', '${B:?no}'])('%s is refused', (text) => {
    expect(() => interpolate(text, (name) => variables.get(name))).toThrow();
  });

  test('an .env file has quotes, comments and earlier variables', () => {
    const text = 'A=1\n# no\nexport B="x\\ny $A" # c\nC=\'$A\'\nD=$A-${E:-e} # c\n\nF=\n';
    expect([...parseDotenv(text, '.env', () => undefined)]).toEqual([
      ['A', '1'],
      ['B', 'x\ny 1'],
      ['C', '$A'],
      ['D', '1-e'],
      ['F', ''],
    ]);
  });
});

test.each([
  ['a*', 'app', true],
  ['a?p', 'app', true],
  ['[ab]pp', 'app', true],
  ['[^a]pp', 'app', false],
  ['a', 'app', false],
  ['a.p', 'app', false],
])('pattern %s and name %s: %s', (pattern, name, matches) => {
  expect(globMatches(pattern, name)).toBe(matches);
});
