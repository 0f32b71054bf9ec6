import { expect, test } from 'vitest';
import { treeDifference } from '../../../src/layers/tree-difference.js';
import type { Tree } from '../../../src/layers/tree.js';
import { memoryTree } from '../../support/memory-tree.js';

function difference(before: Tree, after: Tree): readonly string[] {
  return [...treeDifference(before, after)].map((change) => {
    if (change.kind !== 'upsert') return `${change.kind} ${change.path}`;
    const { type, path, linkTarget } = change.entry;
    return `${type} ${path}${linkTarget === undefined ? '' : ` -> ${linkTarget}`}`;
  });
}

test('equal trees have no difference, and what changed comes below its parents, after what is gone', () => {
  const before = memoryTree({ 'etc/a': 'a', 'etc/b': 'b', 'usr/bin/x': 'x', 'usr/lib/y': 'y', 'var/log/': {} });
  expect(difference(before, before)).toEqual([]);
  const after = memoryTree({
    'etc/a': 'a',
    'etc/c': 'c',
    'usr/bin/x': { text: 'z' },
    'usr/lib/y': 'y',
    'var/log/': { mode: 0o700 },
    'var/s': { type: 'socket' },
  });
  expect(difference(before, after)).toEqual([
    ...['directory etc', 'delete etc/b', 'file etc/c'],
    ...['directory usr', 'directory usr/bin', 'file usr/bin/x'],
    ...['directory var', 'directory var/log'],
  ]);
});

test('a directory and a file in the place of one another need no deletions', () => {
  const [one, other] = [memoryTree({ 'a/b': 'b', c: 'c' }), memoryTree({ a: 'a', 'c/d': 'd' })];
  expect(difference(one, other)).toEqual(['file a', 'directory c', 'file c/d']);
});

test('a file with several names comes with all of them, or not at all', () => {
  const named = (inode: string, text = 'x') => ({ inode, text, size: text.length });
  const before = memoryTree({ a: named('1'), b: named('1'), c: named('2'), d: named('2') });
  const after = memoryTree({ a: named('7'), b: named('7'), c: named('8'), d: named('8'), e: named('8') });
  expect(difference(before, after)).toEqual(['file c', 'hardlink d -> c', 'hardlink e -> c']);
});

test('files that are one file on the disk are not read', () => {
  const unread = (inode: bigint): Tree => ({
    ...memoryTree({ big: 'x' }),
    read: () => {
      throw new Error('read');
    },
    ...{ state: () => ({ dev: 1n, ino: inode, size: 1n, mtimeNs: 0n, ctimeNs: 0n }) },
  });
  expect(difference(unread(1n), unread(1n))).toEqual([]);
  expect(() => difference(unread(1n), unread(2n))).toThrow('read');
});

test('names that whiteouts have are refused', () => {
  expect(() => difference(memoryTree({}), memoryTree({ '.wh.x': 'x' }))).toThrow('.wh.');
});
