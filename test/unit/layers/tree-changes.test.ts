import { expect, test } from 'vitest';
import type { ByteString } from '../../../src/support/byte-string.js';
import { treeChanges } from '../../../src/layers/tree-changes.js';
import { memoryTree } from '../../support/memory-tree.js';

const tree = memoryTree({
  'd/': { mode: 0o700, uid: 5 },
  'd/f': { text: 'abc', size: 3, mode: 0o640, uid: 7, gid: 8, xattrs: { 'user.x': 'y' } },
  'd/l': { link: 'f' },
  'd/s': { type: 'socket' },
  'd/e/g': 'g',
  other: '',
});

function listed(path: string, options = {}): readonly unknown[] {
  return [...treeChanges(tree, path as ByteString, options)].map((change) => {
    if (change.kind !== 'upsert') throw new Error('only files are made');
    const { entry, open } = change;
    const content = open === undefined ? null : Buffer.concat([...(open() as Iterable<Uint8Array>)]).toString();
    return [entry.type, entry.path, entry.mode.toString(8), entry.uid, entry.gid, entry.xattrs.size, content];
  });
}

test('a directory is its contents, its own attributes those of the root; a socket is left out', () => {
  expect(listed('d')).toEqual([
    ['directory', '', '700', 5, 0, 0, null],
    ['directory', 'e', '755', 0, 0, 0, null],
    ['file', 'e/g', '644', 0, 0, 0, 'g'],
    ['file', 'f', '640', 7, 8, 1, 'abc'],
    ['symlink', 'l', '777', 0, 0, 0, null],
  ]);
});

test('all files may be given to one owner, without their attributes', () => {
  expect(listed('d/f', { owner: { uid: 0, gid: 1 } })).toEqual([['file', 'f', '640', 0, 1, 0, 'abc']]);
});

test('what is not there is nothing', () => {
  expect(listed('none')).toEqual([]);
});
