import fc from 'fast-check';
import { expect, test } from 'vitest';
import { goMatch } from '../../../src/parser/go-match.js';
import { errorOf } from './parsing.js';

test.each([
  ['abc', 'abc', true],
  ['abc', 'abcd', false],
  ['', '', true],
  ['*', 'abc', true],
  ['*', '.hidden', true],
  ['*', 'a/b', false],
  ['*c', 'abc', true],
  ['a*/b', 'abc/b', true],
  ['a*/b', 'a/c/b', false],
  ['a*b*c*d*e*/f', 'axbxcxdxe/xxx/f', false],
  ['a*b?c*x', 'abxbbxdbxebxczzx', true],
  ['a?b', 'a\u{1f680}b', true],
  ['a?b', 'a/b', false],
  ['[a-c]', 'b', true],
  ['[^a-c]', 'b', false],
  ['[^a-c]', 'z', true],
  ['[a\\-c]', '-', true],
  ['[\\]]', ']', true],
  ['arr[[]0].txt', 'arr[0].txt', true],
  ['a\\*b', 'a*b', true],
  ['a\\*b', 'axb', false],
  ['**', 'a/b', false],
  ['c++', 'c++', true],
])('goMatch(%j, %j) is %j', (pattern, name, expected) => {
  expect(goMatch(pattern, name)).toBe(expected);
});

test.each(['[', '[a', '[]', '[]a]', '[-x]', '[x-]', '[a-b-c]', '[^]', 'a\\', 'a[', '[a\\', '[\\'])(
  'the malformed pattern %j is refused',
  (pattern) => {
    expect(errorOf(() => goMatch(pattern, 'a'))).toMatchObject({
      code: 'DOCKERFILE_SEMANTICS',
      message: `cannot match pattern "${pattern}": it is malformed`,
    });
  },
);

test('a name with its special characters escaped matches itself alone', () => {
  const names = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '[', ']', '\\', '-', '^', '/') });
  fc.assert(
    fc.property(names, names, (name, other) => {
      const pattern = name.replace(/[*?[\]\\^-]/g, '\\$&');
      expect(goMatch(pattern, name)).toBe(true);
      expect(goMatch(pattern, other)).toBe(name === other);
    }),
  );
});
