import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createIgnoreMatcher, parseIgnoreFile } from '../../../src/parser/ignore-file.js';
import { errorOf } from './parsing.js';

const matcher = (text: string) => createIgnoreMatcher(text, { file: '.dockerignore' });
const ignored = (text: string, paths: readonly string[]): string[] =>
  paths.filter((path) => matcher(text).ignores(path));

test('patterns are trimmed and cleaned; only a "#" in column 0 begins a comment', () => {
  const text = '\uFEFF# comment\n #no comment\r\n\n  a//b/./c/ \n/rooted\n! /back\n/\n./x/../y\n';
  expect(parseIgnoreFile(text)).toEqual(['#no comment', 'a/b/c', 'rooted', '!back', '/', 'y']);
});

describe('a pattern ignores what moby/patternmatcher ignores', () => {
  test.each([
    ['a', ['a', 'a/b', 'a/b/c'], ['ab', 'b/a']],
    ['*', ['a', '.b', 'a/b'], []],
    ['*.md', ['x.md', 'x.md/y'], ['a/x.md', 'xmd']],
    ['*/*.md', ['a/x.md'], ['x.md', 'a/b/x.md']],
    ['**/*.md', ['x.md', 'a/x.md', 'a/b/x.md'], ['a/xmd']],
    ['**/node_modules', ['node_modules', 'a/node_modules/b'], ['a/node_modules2']],
    ['a/**', ['a/b', 'a/b/c'], ['a', 'ab']],
    ['a**', ['a', 'ab', 'a/b'], ['ba']],
    ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b/c'], ['a/xb']],
    ['**.pyc', ['a.pyc', '.pyc', 'd/a.pyc'], ['a.pyc2']],
    ['**', ['a', 'a/b', 'constructor'], []],
    ['?', ['a', 'a/b'], ['ab']],
    ['[a-b]x', ['ax', 'bx'], ['cx']],
    ['a\\*', ['a*'], ['ab']],
    ['c++', ['c++', 'c++/x'], ['c', 'cc']],
    ['a.b(c){1}|$^', ['a.b(c){1}|$^'], ['axb(c){1}|$^', 'a']],
    ['constructor', ['constructor'], ['toString', '__proto__']],
    ['A', ['A'], ['a']],
    ['.', [], ['a']],
    ['../a', [], ['a']],
  ])('%s', (pattern, yes, no) => {
    expect(ignored(pattern, [...yes, ...no])).toEqual(yes);
  });
});

describe('the last pattern that matches decides', () => {
  test.each([
    ['*.md\n!README.md', ['a.md', 'README.md'], ['a.md']],
    ['!README.md\n*.md', ['README.md'], ['README.md']],
    ['dir\n!dir/keep', ['dir', 'dir/x', 'dir/keep', 'dir/keep/y'], ['dir', 'dir/x']],
    // "a" changes nothing about the folder, which is out already, and so is not found to match it.
    ['*\n!a/b\na', ['a/b', 'c'], ['c']],
    ['*\n!**/*.ts\n**/*.test.ts', ['a.ts', 'b/a.ts', 'b/a.test.ts', 'c.js'], ['b/a.test.ts', 'c.js']],
  ])('%j', (text, paths, expected) => {
    expect(ignored(text, paths)).toEqual(expected);
  });
});

describe('an ignored directory is walked only if something in it may come back', () => {
  test.each([
    ['dir', 'dir', false],
    ['dir', 'other', true],
    ['dir\n!dir/keep', 'dir', true],
    ['dir\n!dir/a/b', 'dir/a', true],
    ['dir\n!dir/a/b', 'dir/c', false],
    ['dir\n!other/keep', 'dir', false],
    ['*\n!src', 'src', true],
    ['*\n!src', 'dist', false],
    ['*\n!*/*.ts', 'dist', true],
    ['*\n!*.ts', 'dist', false],
    ['*\n!**/*.ts', 'dist/a/b', true],
    ['*\n!a[^x]b', 'a', true],
  ])('%j: %s', (text, directory, expected) => {
    expect(matcher(text).mayContainIncluded(directory)).toBe(expected);
  });

  test('whatever is not ignored lies in directories that are walked', () => {
    const name = fc.constantFrom('a', 'b', 'ab');
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
    const segment = fc.constantFrom('a', 'b', '*', '**', '?b', 'a*', '[ab]', '**b');
    const pattern = fc
      .tuple(fc.constantFrom('', '!'), fc.array(segment, { minLength: 1, maxLength: 3 }))
      .map(([mark, segments]) => mark + segments.join('/'));
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 5 }), path, (patterns, file) => {
        const { ignores, mayContainIncluded } = matcher(patterns.join('\n'));
        fc.pre(!ignores(file));
        const names = file.split('/');
        const parents = names.slice(1).map((_, index) => names.slice(0, index + 1).join('/'));
        expect(parents.filter((parent) => !mayContainIncluded(parent))).toEqual([]);
      }),
    );
  });
});

test('an empty file ignores nothing', () => {
  expect(ignored('\n# only a comment\n', ['a', 'b/c'])).toEqual([]);
  expect(matcher('').mayContainIncluded('a')).toBe(true);
});

test.each(['[', 'a\n[a', '!', '\\'])('the malformed file %j is refused with its line', (text) => {
  const error = errorOf(() => matcher(text));
  expect(error).toMatchObject({ code: 'CONTEXT_INVALID', source: { file: '.dockerignore' } });
  expect(error.source?.start.line).toBe(text.split('\n').length);
});

test('many wildcards take no exponential time', () => {
  expect(matcher(`${'*a'.repeat(40)}b`).ignores('a'.repeat(255))).toBe(false);
});
