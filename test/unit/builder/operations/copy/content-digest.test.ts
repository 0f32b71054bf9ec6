import { expect, test } from 'vitest';
import { contentDigest } from '../../../../../src/builder/operations/copy/content-digest.js';
import { originOf, selectionOf, type CopyCase, type Files } from './copying.js';

function digest(source: Files, sources: readonly string[], more: CopyCase['more'] = {}): string {
  const given = { source, sources, destination: '/', more };
  const origin = originOf(given);
  return contentDigest(origin, selectionOf(given, origin));
}

test('pitfall 109: times do not count; content, mode, type and names do', () => {
  const base = digest({ 'd/f': 'F' }, ['d']);
  expect(digest({ 'd/f': { text: 'F', mtime: { seconds: 9, nanoseconds: 9 } } }, ['d'])).toBe(base);
  for (const files of [
    { 'd/f': 'G' },
    { 'd/g': 'F' },
    { 'd/f': { text: 'F', mode: 0o755 } },
    { 'd/f': { link: 'F' } },
    { 'd/f': 'F', 'd/g': '' },
    { 'd/f/': {} },
  ] as Files[]) {
    expect(digest(files, ['d'])).not.toBe(base);
  }
});

test('pitfall 109: device numbers and the text of links count', () => {
  const device = (minor: number): string =>
    digest({ 'd/n': { type: 'character-device', device: { major: 1, minor } } }, ['d']);
  expect(device(3)).not.toBe(device(5));
  expect(digest({ 'd/l': { link: 'a' } }, ['d'])).not.toBe(digest({ 'd/l': { link: 'b' } }, ['d']));
});

test('pitfall 110: the folder a file comes from does not count, its own name does', () => {
  expect(digest({ 'one/f': 'F' }, ['one/f'])).toBe(digest({ 'two/f': 'F' }, ['two/f']));
  expect(digest({ 'one/f': 'F' }, ['one'])).toBe(digest({ 'two/f': 'F' }, ['two']));
  expect(digest({ 'one/f': 'F' }, ['one/f'])).not.toBe(digest({ 'one/g': 'F' }, ['one/g']));
  // With a wildcard the pattern stays the same, and the name that it finds does not.
  expect(digest({ 'one/f': 'F' }, ['one/*'])).not.toBe(digest({ 'one/g': 'F' }, ['one/*']));
  expect(digest({ 'one/f': 'F' }, ['o*/f'])).toBe(digest({ 'oak/f': 'F' }, ['o*/f']));
});

test('owners and extended attributes count for a stage and not for the context', () => {
  const [plain, owned] = [{ f: 'F' }, { f: { text: 'F', uid: 1, xattrs: { 'user.a': 'b' } } }];
  const stage = { fromContext: false };
  expect(digest(owned, ['f'])).toBe(digest(plain, ['f']));
  expect(digest(owned, ['f'], stage)).not.toBe(digest(plain, ['f'], stage));
});

test('what is excluded does not count, and neither does what --parents does not take', () => {
  const [one, other] = [
    { 'd/a': 'A', 'd/b.log': '1' },
    { 'd/a': 'A', 'd/b.log': '2' },
  ];
  expect(digest(one, ['d'])).not.toBe(digest(other, ['d']));
  expect(digest(one, ['d'], { exclude: ['*.log'] })).toBe(digest(other, ['d'], { exclude: ['*.log'] }));
  expect(digest(one, ['d/a'], { parents: true })).toBe(digest(other, ['d/a'], { parents: true }));
});

test('with --parents the folders on the way count', () => {
  const folder = (mode: number): string => digest({ 'd/': { mode }, 'd/a': 'A' }, ['d/a'], { parents: true });
  expect(folder(0o755)).not.toBe(folder(0o700));
});

test('pitfall 118: neighboring parts do not run into one another', () => {
  expect(digest({ 'd/ab': 'c' }, ['d'])).not.toBe(digest({ 'd/a': 'bc' }, ['d']));
  expect(digest({ 'd/a/b': '' }, ['d'])).not.toBe(digest({ 'd/a/': {}, 'd/b': '' }, ['d']));
  expect(digest({ a: '', b: '' }, ['a', 'b'])).not.toBe(digest({ 'd/a': '', 'd/b': '' }, ['d']));
});
