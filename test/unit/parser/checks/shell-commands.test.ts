import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shellCommands } from '../../../../src/parser/checks/script/shell-command.js';
import { nearestName } from '../../../../src/parser/checks/nearest-name.js';

const shown = (script: string): readonly string[] =>
  shellCommands(script).map(({ name, args }) => [name, ...args.map(({ text }) => text)].join(' ').trim());

describe('shellCommands()', () => {
  test.each([
    ['a b && c; d | e', ['a b', 'c', 'd', 'e']],
    ['/usr/bin/make -j "x y" \'z\'', ['make -j x y z']],
    ['a \\\n  b', ['a b']],
    ['A=1 B="x y" cmd', ['cmd']],
    ['sudo -E env X=1 cmd a', ['cmd a']],
    ['if test -e x; then cd y; fi', ['test -e x', 'cd y']],
    ['echo $(cd x; ls) `pwd`', ['echo $(cd x; ls) pwd']],
    ['echo a > b 2>&1 < c', ['echo a']],
    ['echo a#b # c && d', ['echo a#b']],
    ['cat <<-EOF\n\tx && y\n\tEOF\nls', ['cat', 'ls']],
    ['(cd x && make)', ['cd x', 'make']],
    ['{ a; b; }', ['a', 'b']],
    ['echo ${x} {a,b}', ['echo ${x} {a,b}']],
    ['', []],
  ])('%j', (script, commands) => {
    expect(shown(script)).toEqual(commands);
  });

  test('takes any text', () => {
    const pieces = ['"', "'", '`', '$(', ')', '<<E', '\n', '\\', '&&', '|', '#', '{', '}', 'a', ' ', '>', 'sudo'];
    const script = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string()), { maxLength: 40 });
    fc.assert(
      fc.property(script, (parts) => {
        expect(Array.isArray(shellCommands(parts.join('')))).toBe(true);
      }),
    );
  });

  test('takes time linear in the text', () => {
    const started = performance.now();
    for (const piece of ['$(', '"', '<<E\n', 'a;', "\\'"]) shellCommands(piece.repeat(50_000));
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

test.each([
  ['PAHT', ['HOME', 'PATH'], 'PATH'],
  ['q', ['LONG', 'A'], 'A'],
  ['PATH', ['PATH', 'PATJ'], undefined],
  ['path', ['PATH'], undefined],
  ['ab', ['ac', 'ad'], 'ac'],
])('nearestName(%j) of %j is %j', (name, candidates, expected) => {
  expect(nearestName(name, candidates)).toBe(expected);
});
