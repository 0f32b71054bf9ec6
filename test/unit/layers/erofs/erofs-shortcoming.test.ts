import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { erofsShortcoming } from '../../../../src/layers/erofs/erofs-shortcoming.js';
import type { Change } from '../../../../src/layers/change.js';
import type { FileNode, Look } from '../../../../src/layers/index/file-node.js';
import type { IndexedFile } from '../../../../src/layers/index/layer-index.js';
import { PLAIN_DIRECTORY } from '../../../../src/layers/tree.js';
import type { ByteString } from '../../../../src/support/byte-string.js';
import { indexedLayers } from '../../../support/indexed-tree.js';
import { device, directory, file, hardlink, layerTar, symlink, whiteout } from '../../../support/layer-entries.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'erofs-shortcoming-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Of the topmost layer. */
async function shortcomingOf(...layers: readonly (readonly Change[])[]): Promise<string | undefined> {
  const tars = await Promise.all(layers.map((changes) => layerTar(...changes)));
  const { index, root } = indexedLayers(tars, folder).at(-1) ?? {};
  if (index === undefined || root === undefined) throw new Error('no layer');
  return erofsShortcoming({ diffId: index.diffId, tarSize: index.tarSize, root });
}

const xattr = (name: string, bytes: number) => ({ xattrs: new Map([[name as ByteString, Buffer.alloc(bytes, 'x')]]) });
const base = [directory('d'), file('d/f', 'x'), file('empty')];

test.each<readonly [string, readonly (readonly Change[])[]]>([
  ['all kinds of files', [base, [file('a', 'x'), hardlink('b', 'a'), symlink('l', 't'.repeat(4095)), whiteout('d')]]],
  ['a hard link to an empty file of a lower layer', [base, [hardlink('b', 'empty')]]],
  ['the longest name', [[file('n'.repeat(255))]]],
  ['the largest device', [[device('c', 0xfff, 0xfffff)]]],
  ['the longest attribute', [[file('f', '', xattr(`user.${'n'.repeat(250)}`, 0xffff))]]],
])('nothing is against %s', async (_, layers) => {
  expect(await shortcomingOf(...layers)).toBeUndefined();
});

test.each<readonly [string, readonly (readonly Change[])[]]>([
  ['"/b" is a hard link to a file of a layer below', [base, [hardlink('b', 'd/f'), whiteout('d')]]],
  ['"/c" is device 4096:0', [[device('c', 4096, 0)]]],
  ['"/c" is device 1:1048576', [[device('c', 1, 0x100000)]]],
  ['"/f" has an attribute of over 65535 bytes', [[file('f', '', xattr('user.a', 0x10000))]]],
  ['"/f" has an attribute whose name is over 255 bytes', [[file('f', '', xattr(`user.${'n'.repeat(256)}`, 1))]]],
  [
    '"/d" has attributes of over 262148 bytes together',
    [
      [
        directory('d', {
          xattrs: new Map(
            ['a', 'b', 'c', 'd', 'e'].map((name) => [`user.${name}` as ByteString, Buffer.alloc(60_000)]),
          ),
        }),
      ],
    ],
  ],
])('says %s', async (expected, layers) => {
  const found = await shortcomingOf(...layers);
  // Of two names of one file, either is told.
  expect(found?.replace('/d/f', '/b')).toBe(expected);
});

const own = { diffId: `sha256:${'0'.repeat(64)}` } as unknown as { readonly diffId: never };

function ofFiles(children: Readonly<Record<string, Partial<IndexedFile>>>, tarSize = 1 << 20): string | undefined {
  const nodes = Object.entries(children).map(([name, given]): [ByteString, FileNode] => {
    const described = { type: 'file', size: 9, offset: 512, xattrs: new Map(), ...given } as IndexedFile;
    const look = { file: described, content: { layer: own } } as unknown as Look;
    return [name as ByteString, { kind: 'file', look, children: undefined, opaque: false, inode: null }];
  });
  const look = { entry: PLAIN_DIRECTORY, xattrs: new Map<ByteString, Uint8Array>() };
  const root: FileNode = { kind: 'directory', look, children: new Map(nodes), opaque: false, inode: null };
  return erofsShortcoming({ ...own, tarSize, root });
}

test.each([
  ['a sparse file', { f: { extents: [{ offset: 0, length: 9 }] } }, '"/f" is a sparse file'],
  ['members that are not aligned', { f: { offset: 700 } }, '"/f" does not begin at a multiple of 512 bytes'],
  ['a long name', { ['n'.repeat(256)]: {} }, `"/${'n'.repeat(200)}…" has a name of over 255 bytes`],
])('says of %s what is against it', (_, children, expected) => {
  expect(ofFiles(children)).toBe(expected);
});

test('a file may end with the tar, and not within the last block of it', () => {
  const content = { f: { size: 513, offset: 512 } };
  expect(ofFiles(content, 1536)).toBeUndefined();
  expect(ofFiles(content, 1535)).toBe('"/f" is the last, and the tar ends within a block');
  expect(ofFiles(content, 1025)).toBe('"/f" is the last, and the tar ends within a block');
});

test('an empty file may be anywhere', () => {
  expect(ofFiles({ f: { size: 0, offset: 0 }, g: { size: 0, offset: 1 } })).toBeUndefined();
});

test('the blocks of a tar are 32-bit numbers', () => {
  expect(ofFiles({}, 2 ** 41 - 512)).toBe('it is of two tebibytes or more');
  expect(ofFiles({}, 2 ** 41 - 513)).toBeUndefined();
});

test('says of a path that no program could give', async () => {
  const path = Array.from({ length: 17 }, () => 'n'.repeat(239)).join('/');
  expect(await shortcomingOf([file(path.slice(0, 4070))])).toBeUndefined();
  const deep = Array.from({ length: 16 }, () => 'n'.repeat(255)).join('/');
  expect(
    await shortcomingOf([symlink('l', deep), directory(deep.slice(0, 4095)), file(`l/${'m'.repeat(99)}`)]),
  ).toMatch(/^"\/n{200}…" has a path of over 4095 bytes$/);
});
