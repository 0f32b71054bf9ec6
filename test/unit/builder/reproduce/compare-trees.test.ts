import { expect, test } from 'vitest';
import { compareTrees } from '../../../../src/builder/reproduce/compare-trees.js';
import type { AspectDifference, FileDifference } from '../../../../src/builder/reproduce/file-difference.js';
import { typicalCauses } from '../../../../src/builder/reproduce/typical-causes.js';
import type { Tree } from '../../../../src/layers/tree.js';
import { memoryTree, type MemoryFile } from '../../../support/memory-tree.js';

type Files = Readonly<Record<string, MemoryFile | string>>;

async function differences(first: Tree, second: Tree): Promise<readonly FileDifference[]> {
  const found: FileDifference[] = [];
  for await (const difference of compareTrees({ first, second }, new AbortController().signal)) found.push(difference);
  return found;
}

const one = { inode: '1' };
test.each<[string, Files, Files, Record<string, AspectDifference[]>]>([
  ['nothing', { 'a/b': 'x', l: { link: 'a' } }, { l: { link: 'a' }, 'a/b': 'x' }, {}],
  ['content', { f: 'abcd' }, { f: 'abXd' }, { f: [{ aspect: 'content', offset: 2 }] }],
  [
    'a longer file',
    { f: 'ab' },
    { f: 'abc' },
    {
      f: [
        { aspect: 'content', offset: 2 },
        { aspect: 'size', first: '2', second: '3' },
      ],
    },
  ],
  [
    'mode and owner',
    { f: { mode: 0o644, uid: 1, gid: 2 } },
    { f: { mode: 0o4755, uid: 1, gid: 3 } },
    {
      f: [
        { aspect: 'mode', first: '0644', second: '4755' },
        { aspect: 'owner', first: '1:2', second: '1:3' },
      ],
    },
  ],
  [
    'time',
    { f: { mtime: { seconds: 0, nanoseconds: 0 } } },
    { f: { mtime: { seconds: 1, nanoseconds: 5 } } },
    { f: [{ aspect: 'time', first: '1970-01-01T00:00:00.000000000Z', second: '1970-01-01T00:00:01.000000005Z' }] },
  ],
  ['a link', { l: { link: 'a' } }, { l: { link: 'b' } }, { l: [{ aspect: 'link', first: 'a', second: 'b' }] }],
  ['a type', { f: 'x' }, { 'f/': {} }, { f: [{ aspect: 'type', first: 'file', second: 'directory' }] }],
  [
    'an attribute',
    { f: { xattrs: { 'user.a': '1', 'user.b': '1' } } },
    { f: { xattrs: { 'user.a': '2', 'user.b': '1', 'user.c': '' } } },
    {
      f: [
        { aspect: 'xattr', first: 'user.a of 1 bytes', second: 'user.a of 1 bytes' },
        { aspect: 'xattr', first: 'user.c absent', second: 'user.c of 0 bytes' },
      ],
    },
  ],
  [
    'files that are absent',
    { 'd/x': '' },
    { 'd/.wh.x': '', e: '' },
    {
      'd/.wh.x': [{ aspect: 'listed', first: 'absent', second: 'file' }],
      'd/x': [{ aspect: 'listed', first: 'file', second: 'absent' }],
      e: [{ aspect: 'listed', first: 'absent', second: 'file' }],
    },
  ],
  [
    'two names of one file',
    { a: one, b: one },
    { a: '', b: '' },
    { b: [{ aspect: 'link', first: 'the same file as a', second: 'a file of its own' }] },
  ],
])('%s', async (_, first, second, expected) => {
  const found = await differences(memoryTree(first), memoryTree(second));
  expect(Object.fromEntries(found.map(({ path, aspects }) => [path, aspects]))).toEqual(expected);
  expect(found.map(({ path }) => path)).toEqual(Object.keys(expected));
});

test('contents are compared whatever pieces they come in', async () => {
  const inPieces = (...pieces: string[]): Tree => ({
    ...memoryTree({ f: pieces.join('') }),
    read: () => pieces.map((piece) => Buffer.from(piece)),
  });
  expect(await differences(inPieces('a', '', 'bcd', 'ef'), inPieces('abc', 'd', 'ef'))).toEqual([]);
  const [found] = await differences(inPieces('a', 'bcd', 'ef'), inPieces('abc', 'd', 'eX'));
  expect(found?.aspects).toEqual([{ aspect: 'content', offset: 5 }]);
});

test('whoever cancels need not wait for the end', async () => {
  const tree = memoryTree({ a: '1' });
  const found = compareTrees({ first: tree, second: tree }, AbortSignal.abort());
  await expect(found.next()).rejects.toMatchObject({ code: 'ABORTED' });
});

const content = (offset: number): AspectDifference => ({ aspect: 'content', offset });
test.each<[string, AspectDifference, RegExp | undefined]>([
  ['etc/machine-id', content(0), /machine id is random/],
  ['var/cache/ldconfig/aux-cache', content(20), /inode numbers/],
  ['var/log/dpkg.log', content(0), /Package managers log/],
  ['usr/lib/python3/__pycache__/x.cpython-311.pyc', content(8), /\.pyc/],
  ['usr/share/doc/x.gz', content(4), /gzip -n/],
  ['usr/share/doc/x.gz', content(9), undefined],
  ['etc/ssh/ssh_host_rsa_key', content(40), /random/],
  ['usr/lib/libx.a', { aspect: 'mode' }, undefined],
  ['usr/bin/tool', content(0), undefined],
])('%s: what is known of it', (path, aspect, advice) => {
  const file = { path, aspects: [aspect] };
  const told = typicalCauses([file, file]);
  expect(told).toHaveLength(advice === undefined ? 0 : 1);
  if (advice !== undefined) expect(told[0]).toMatch(advice);
});
