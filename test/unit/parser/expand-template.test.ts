import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asTemplate, expandTemplate, expandWords } from '../../../src/parser/expand-template.js';
import { errorOf, expand, NOWHERE } from './parsing.js';

const ENV = {
  V: 'value',
  EMPTY: '',
  PATHS: '/tmp/tmp/bar.txt',
  STARS: 'a***yy*',
  XY: 'xxyy',
  META: '()[]{}^$.*?|\\x',
  LINES: 'one\ntwo',
  WIDE: '\u{1f468}\u{1f680}end',
};

describe('a template expands as in BuildKit', () => {
  test.each([
    ['plain text', 'plain text'],
    ['$V-$EMPTY-$UNSET', 'value--'],
    ['${V}s $Vs', 'values '],
    ['$', '$'],
    ['$.x a$', '$.x a$'],
    ['\\$V \\\\$V', '$V \\value'],
    ['"$V" \'$V\'', 'value $V'],
    ['tail\\', 'tail'],
    ['$1x $10 $@@ $$V ${?}', 'x  @ V '],
    ['${UNSET-w}${EMPTY-w}', 'w'],
    ['${UNSET:-w}${EMPTY:-w}${V:-w}', 'wwvalue'],
    ['${UNSET+w}${EMPTY+w}', 'w'],
    ['${UNSET:+w}${EMPTY:+w}${V:+w}', 'w'],
    ['${V?m}${EMPTY?m}${V:?m}', 'valuevalue'],
    ['${UNSET:-${EMPTY:-${V}}}', 'value'],
    ['${UNSET:-"a b" \'$V\' \\}}', 'a b $V }'],
    ['${V}}', 'value}'],
    ['${XY#*x}', 'xyy'],
    ['${XY##*x}', 'yy'],
    ['${XY#x*y}', 'y'],
    ['${XY%y*}', 'xxy'],
    ['${XY%%y*}', 'xx'],
    ['${XY#?}${XY%??}', 'xyyxx'],
    ['${XY#nothing}${XY#}${UNSET#x}', 'xxyyxxyy'],
    ['${STARS%%\\**\\*}', 'a'],
    ['${META#()[]{\\}^$.\\*\\?|\\\\}', 'x'],
    ['${META#[(]}', '()[]{}^$.*?|\\x'],
    ['${LINES#*}${LINES##*}', 'one\ntwo\ntwo'],
    ['${WIDE#?}', '\u{1f680}end'],
    ['${WIDE%d}', '\u{1f468}\u{1f680}en'],
    ['${PATHS/\\/tmp/}', '/tmp/bar.txt'],
    ['${PATHS//\\/tmp/}', '/bar.txt'],
    ['${PATHS/t*p/X}', '/X/bar.txt'],
    ['${XY/x/$V}', 'valuexyy'],
    ['${XY/q/w}${XY//q/w}', 'xxyyxxyy'],
    ['${XY//x*/}', ''],
    ['${XY/$EMPTY/w}', 'wxxyy'],
    ['${XY//$EMPTY/w}', 'wxwxwywyw'],
    ['${XY//x/<\\$0>}', '<\\x><\\x>yy'],
    ['$\u00fcber', ''],
  ])('%s', (template, expected) => {
    expect(expand(template, ENV)).toBe(expected);
  });

  test('the escape directive decides which character escapes', () => {
    expect(expand('`$V \\$V "`"`x"', ENV, '`')).toBe('$V \\value "`x');
  });
});

describe('a malformed template is refused with a hint', () => {
  test.each([
    ['"open', 'a quote (") is not closed'],
    ["it's", "a quote (') is not closed"],
    ['${V', '"}" is missing'],
    ['${', '"}" is missing'],
    ['${V:-w', '"}" is missing'],
    ['${V/a}', '"/" is missing'],
    ['${V/a/b', '"}" is missing'],
    ['${}', '"${" is followed by no name'],
    ['${:x}', '"${" is followed by no name'],
    ['${.}', '"." is no modifier of a variable'],
    ['${V:=w}', '":=" is no modifier of a variable'],
    ['${V=w}', '"=" is no modifier of a variable'],
    ['${V:0:3}', '":0" is no modifier of a variable'],
    ['${#V}', '"V" is no modifier of a variable'],
    ['${V:#x}', '":#" is no modifier of a variable'],
    ['${V#\\x}', '"\\x" in the pattern "\\x" is no escape'],
  ])('%s', (template, reason) => {
    const error = errorOf(() => expand(template, ENV));
    expect(error).toMatchObject({
      code: 'DOCKERFILE_SYNTAX',
      message: `cannot expand "${template}": ${reason}`,
      source: NOWHERE,
    });
    expect(error.hint).toMatch(/\.$/);
  });

  test.each([
    ['${UNSET?}', 'UNSET is not set'],
    ['${EMPTY:?}', 'EMPTY is empty'],
    ['${UNSET:?set it to $V}', 'UNSET: set it to value'],
  ])('%s fails because the template itself asks for it', (template, reason) => {
    const error = errorOf(() => expand(template, ENV));
    expect(error).toMatchObject({ code: 'DOCKERFILE_SEMANTICS', message: `cannot expand "${template}": ${reason}` });
  });

  test('nesting beyond all sense is an error and no stack overflow', () => {
    expect(errorOf(() => expand('${A:-'.repeat(20_000))).message).toContain('nested more than 200 times');
  });
});

describe('expandWords splits', () => {
  const words = (text: string, env: Record<string, string> = {}): string[] =>
    expandWords(asTemplate(text), { env: (name) => env[name], escape: '\\', source: NOWHERE });

  test.each([
    ['80 $PORTS', ['80', '81', '82/udp']],
    ['"$PORTS"', ['81 82/udp']],
    ['a"$PORTS"b', ['a81 82/udpb']],
    ['$PORTS$PORTS', ['81', '82/udp81', '82/udp']],
    ['a\\ b', ['a b']],
    [' $UNSET "" ', []],
    // BuildKit forgets what stands before a nested word; so a published image has no 8080 but 80.
    ['80${UNSET:-80}', ['80']],
  ])('%s', (text, expected) => {
    expect(words(text, { PORTS: '81 82/udp' })).toEqual(expected);
  });
});

test('text without dollar signs, quotes and escapes expands to itself', () => {
  const plain = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[$'"\\]/g, ''));
  fc.assert(
    fc.property(plain, (text) => {
      expect(expandTemplate(asTemplate(text), { env: () => 'x', escape: '\\', source: NOWHERE })).toBe(text);
    }),
  );
});

test('single-quoted text expands to itself whatever it holds', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const inside = text.replaceAll("'", '');
      expect(expand(`'${inside}'`, { x: 'y' })).toBe(inside);
    }),
  );
});

test('a pattern with many wildcards takes no exponential time', () => {
  const value = 'a'.repeat(2_000);
  expect(expand(`\${A##${'*a'.repeat(60)}b}`, { A: value })).toBe(value);
});
