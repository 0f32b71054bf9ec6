import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseChallenges } from '../../../../src/registry/auth/challenge.js';

const read = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test.each<[string, string, unknown]>([
  ['nothing', '', []],
  ['a scheme alone', 'Negotiate', [['negotiate', {}]]],
  ['one with a parameter', 'Basic realm="x"', [['basic', { realm: 'x' }]]],
  [
    'the usual one',
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
    [
      [
        'bearer',
        { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:a/b:pull,push' },
      ],
    ],
  ],
  [
    'several in one header',
    'Negotiate, Basic realm="a, b", Bearer realm="c"',
    [
      ['negotiate', {}],
      ['basic', { realm: 'a, b' }],
      ['bearer', { realm: 'c' }],
    ],
  ],
  [
    'schemes without parameters at the end',
    'Negotiate, Basic',
    [
      ['negotiate', {}],
      ['basic', {}],
    ],
  ],
  ['quoted pairs', 'Basic realm="a \\"b\\" \\\\ c"', [['basic', { realm: 'a "b" \\ c' }]]],
  [
    'values without quotes',
    'Bearer realm=abc , error = invalid_token',
    [['bearer', { realm: 'abc', error: 'invalid_token' }]],
  ],
  ['any case', 'BEARER Realm="x",SCOPE="Y"', [['bearer', { realm: 'x', scope: 'Y' }]]],
  [
    'credentials without a name',
    'Negotiate YWJj==, Basic realm="x"',
    [
      ['negotiate', {}],
      ['basic', { realm: 'x' }],
    ],
  ],
  ['empty list members', ', ,Basic realm="x",,', [['basic', { realm: 'x' }]]],
  [
    'an open quote: what came before it',
    'Basic realm="x", Bearer realm="y',
    [
      ['basic', { realm: 'x' }],
      ['bearer', {}],
    ],
  ],
  ['a parameter of nothing', 'realm="x"', []],
])('%s is read', (_what, header, challenges) => {
  expect(read(header)).toEqual(challenges);
});

test('any header at all is read to its end', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'B', '=', '"', ',', ' ', '\\', '/', '~'), maxLength: 60 }),
      (header) => {
        expect(Array.isArray(parseChallenges(header))).toBe(true);
      },
    ),
  );
});
