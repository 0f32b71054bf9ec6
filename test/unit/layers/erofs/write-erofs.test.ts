import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Change } from '../../../../src/layers/change.js';
import { writeErofs } from '../../../../src/layers/erofs/write-erofs.js';
import type { FileNode, Look } from '../../../../src/layers/index/file-node.js';
import type { IndexedFile } from '../../../../src/layers/index/layer-index.js';
import { PLAIN_DIRECTORY } from '../../../../src/layers/tree.js';
import { digestHex, digestOf, type Digest } from '../../../../src/oci/digest.js';
import type { ByteString } from '../../../../src/support/byte-string.js';
import { nodesOfErofs, openErofs, type ErofsImage, type ImageInode } from '../../../support/erofs-image.js';
import { erofsOf, indexedLayers } from '../../../support/indexed-tree.js';
import {
  device,
  directory,
  fifo,
  file,
  hardlink,
  layerTar,
  opaque,
  symlink,
  whiteout,
} from '../../../support/layer-entries.js';

// That images mean what layers mean is held to what unpacking does in test/contract/layer-rules.test.ts and layer-trees.test.ts,
// and to the kernel in test/integration/erofs-mount.test.ts. Here is what stands where.

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'write-erofs-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const b = (text: string): ByteString => text as ByteString;

/** Of the topmost layer. Its nodes are read as well: that finds what is wrong in it. */
async function imageOf(...layers: readonly (readonly Change[])[]): Promise<ErofsImage & { readonly bytes: Buffer }> {
  const tars = await Promise.all(layers.map((changes) => layerTar(...changes)));
  const layer = indexedLayers(tars, folder).at(-1);
  if (layer === undefined) throw new Error('no layer');
  const bytes = erofsOf(layer);
  nodesOfErofs(bytes, layer.tar);
  return { ...openErofs(bytes), bytes };
}

function find(image: ErofsImage, path: string): ImageInode {
  let inode = image.root;
  for (const name of path.split('/')) {
    const found = image.entries(inode).find(([entry]) => entry === name)?.[1];
    if (found === undefined) throw new Error(`no "${path}"`);
    inode = found;
  }
  return inode;
}

const at = (seconds: number, nanoseconds = 0) => ({ mtime: { seconds, nanoseconds } });

test('the same layer gives the same bytes, and its image is named by what it is told', async () => {
  const changes = [directory('d', at(5)), file('d/f', 'x'), symlink('l', 'd'), fifo('p')];
  const [first, second] = [await imageOf(changes), await imageOf(changes)];
  expect(first.bytes.equals(second.bytes)).toBe(true);
  const tar = await layerTar(...changes);
  expect(first.uuid).toBe(digestHex(digestOf(tar)).slice(0, 32));
});

test.each([
  ['few bytes', 3],
  ['what fills the block of its inode', 480],
  ['what fills a block but for a byte', 511],
  ['a block', 512],
  ['more than a block', 513],
  ['the longest', 4095],
])('a link of %s is kept, wherever its inode comes to stand', async (_, length) => {
  const target = 't'.repeat(length);
  const image = await imageOf(Array.from({ length: 40 }, (__, index) => symlink(`l${index}`, target)));
  for (const [, inode] of image.entries(image.root)) expect(inode.content.toString()).toBe(target);
});

test.each([0, 1, 2, 17, 33, 200, 400])(
  'a directory of %d files has them in the order of their bytes',
  async (count) => {
    const names = Array.from({ length: count }, (_, index) => `${String.fromCharCode(33 + (index % 13))}${index ** 3}`);
    const image = await imageOf([directory('d'), ...names.map((name) => fifo(`d/${name}`))]);
    const found = image.entries(find(image, 'd')).map(([name]) => name);
    expect(found).toEqual([...names].sort());
  },
);

test('names of 255 bytes, each in a block of its own, and of bytes that are no text', async () => {
  const long = ['a', 'b', 'c'].map((letter) => letter.repeat(255));
  const change = fifo('x');
  const odd = ['\x01', '\xff', '\xc3\xa9'].map((path) =>
    change.kind === 'upsert' ? { ...change, entry: { ...change.entry, path: b(path) } } : change,
  );
  const image = await imageOf([...long.map((name) => fifo(name)), ...odd]);
  expect(image.entries(image.root).map(([name]) => name)).toEqual(['\x01', ...long, '\xc3\xa9', '\xff']);
});

test('the time that most files have is said once, and they are short for it', async () => {
  const common = Array.from({ length: 9 }, (_, index) => file(`f${index}`, 'x', at(-5)));
  const image = await imageOf([...common, file('other', 'x', at(6, 7))]);
  expect(find(image, 'f0')).toMatchObject({ isCompact: true, seconds: -5, nanoseconds: 0 });
  expect(find(image, 'other')).toMatchObject({ isCompact: false, seconds: 6, nanoseconds: 7 });
});

test.each([
  ['an owner', { uid: 0x10000 }, { uid: 0x10000 }],
  ['a group', { gid: 0xffff_fffe }, { gid: 0xffff_fffe }],
  ['a part of a second', at(1000, 1), { seconds: 1000, nanoseconds: 1 }],
  ['another time', at(-(2 ** 40)), { seconds: -(2 ** 40) }],
])('%s that a short inode cannot say makes it long', async (_, fields, expected) => {
  const image = await imageOf([file('a', 'x'), file('b', 'x'), file('c', 'x', fields)]);
  expect(find(image, 'a')).toMatchObject({ isCompact: true, uid: 0, gid: 0, seconds: 1000 });
  expect(find(image, 'c')).toMatchObject({ isCompact: false, ...expected });
});

test('attributes of any length are kept, though they cross blocks', async () => {
  const fields = (length: number) => ({
    xattrs: new Map([
      [b('user.b'), Buffer.alloc(length, 'b')],
      [b('user.a'), Buffer.alloc(3, 'a')],
      [b('security.capability'), Buffer.alloc(20, 1)],
      [b(`user.${'n'.repeat(250)}`), Buffer.alloc(0)],
    ]),
  });
  const lengths = [0, 1, 400, 505, 512, 5000, 65_535];
  const image = await imageOf(lengths.flatMap((length) => [file(`f${length}`, 'x', fields(length)), fifo('p')]));
  for (const length of lengths) {
    const { xattrs, chunks } = find(image, `f${length}`);
    expect([...xattrs.keys()]).toEqual(['security.capability', 'user.a', 'user.b', `user.${'n'.repeat(250)}`]);
    expect(Buffer.alloc(length, 'b').equals(xattrs.get(b('user.b')) ?? Buffer.from('none'))).toBe(true);
    expect(chunks).toHaveLength(1);
  }
});

test('marks of overlayfs: devices 0:0, all of one inode, and an attribute of the name that is asked for', async () => {
  const below = [directory('d'), file('d/f'), directory('e'), file('e/f'), file('f')];
  const above = [directory('d'), opaque('d'), whiteout('e/f'), whiteout('f')];
  const image = await imageOf(below, above);
  expect(find(image, 'd').xattrs.get(b('trusted.overlay.opaque'))?.toString()).toBe('y');
  expect(find(image, 'f')).toMatchObject({ mode: 0o020000, links: 2, device: { major: 0, minor: 0 } });
  expect(find(image, 'f').nid).toBe(find(image, 'e/f').nid);

  const tars = await Promise.all([below, above].map((changes) => layerTar(...changes)));
  const [, layer] = indexedLayers(tars, folder);
  if (layer === undefined) throw new Error('no layer');
  const asked = openErofs(erofsOf(layer, b('user.overlay.opaque')));
  expect([...find(asked, 'd').xattrs.keys()]).toEqual(['user.overlay.opaque']);
});

test('no marks of deleted files are in directories that hide all that is below', async () => {
  const below = [directory('d/e'), file('d/f'), file('d/e/f')];
  const image = await imageOf(below, [whiteout('d/f'), whiteout('d/e/f'), opaque('d'), file('d/own')]);
  expect(image.entries(find(image, 'd')).map(([name]) => name)).toEqual(['e', 'own']);
  expect(image.entries(find(image, 'd/e'))).toEqual([]);
});

test('a device 0:0 of a layer is an empty file with a note, as overlayfs would take it for a mark', async () => {
  const image = await imageOf([device('n', 0, 0, { mode: 0o660, uid: 4 }), device('c', 5, 300)]);
  expect(find(image, 'n')).toMatchObject({ mode: 0o100660, uid: 4, size: 0 });
  expect(find(image, 'n').xattrs.get(b('user.tsbuild.device'))?.toString()).toBe('character-device:0:0');
  expect(find(image, 'c')).toMatchObject({ mode: 0o020644, device: { major: 5, minor: 300 } });
});

test('names of one file are one inode', async () => {
  const image = await imageOf([file('a', 'x'), hardlink('d/b', 'a'), hardlink('c', 'd/b'), symlink('l', 'a')]);
  expect(find(image, 'a')).toMatchObject({ links: 3, nid: find(image, 'd/b').nid });
  expect(image.inodes).toBe(4);
});

test('contents are blocks of the tar; what is empty has none', async () => {
  const changes = [file('a', 'x'.repeat(512)), file('b', 'y'.repeat(513)), file('c')];
  const image = await imageOf(changes);
  expect(find(image, 'a')).toMatchObject({ size: 512, chunks: [{ block: 1, bytes: 512 }] });
  expect(find(image, 'b')).toMatchObject({ size: 513, chunks: [{ block: 3, bytes: 513 }] });
  expect(find(image, 'c')).toMatchObject({ size: 0, chunks: [] });
});

const LAYER = { diffId: digestOf('layer'), tarSize: 2 ** 41 - 1024 };

/** Of more than a test can have a tar of. */
function written(files: Readonly<Record<string, Partial<IndexedFile>>>, id: Digest = LAYER.diffId): ErofsImage {
  const nodes = Object.entries(files).map(([name, given]): [ByteString, FileNode] => {
    const plain = { type: 'file', mode: 0o644, uid: 0, gid: 0, seconds: 0, nanoseconds: 0, size: 0, offset: 0 };
    const look = { file: { ...plain, xattrs: new Map(), ...given }, content: {} } as unknown as Look;
    return [b(name), { kind: 'file', look, children: undefined, opaque: false, inode: null }];
  });
  return openErofs(Buffer.concat([...writeErofs({ ...LAYER, root: rootOf(nodes) }, { id, opaqueXattr: b('') })]));
}

function rootOf(nodes: Iterable<readonly [ByteString, FileNode]>): FileNode {
  const look = { entry: PLAIN_DIRECTORY, xattrs: new Map<ByteString, Uint8Array>() };
  return { kind: 'directory', look, children: new Map(nodes), opaque: false, inode: null };
}

test('files and tars of any size have chunks that are as large as they need to be', () => {
  const [gibibyte, tebibyte] = [2 ** 30, 2 ** 40];
  const image = written({
    a: { size: 5 * gibibyte + 1, offset: 512 },
    b: { size: tebibyte, offset: tebibyte - 512 },
    c: { size: tebibyte + 5, offset: 1024 },
  });
  expect(image.tarBlocks).toBe(2 ** 32 - 2);
  expect(find(image, 'a')).toMatchObject({ isCompact: false, chunks: [{ block: 1, bytes: 5 * gibibyte + 1 }] });
  expect(find(image, 'b').chunks).toEqual([{ block: 2 ** 31 - 1, bytes: tebibyte }]);
  expect(find(image, 'c').chunks).toEqual([
    { block: 2, bytes: tebibyte },
    { block: 2 + 2 ** 31, bytes: 5 },
  ]);
});

test('a file may have more names than 16 bits can count', () => {
  const look = { entry: PLAIN_DIRECTORY, xattrs: new Map<ByteString, Uint8Array>() };
  const described = { type: 'fifo', mode: 0, uid: 0, gid: 0, seconds: 0, nanoseconds: 0, size: 0, xattrs: look.xattrs };
  const shared = { look: { file: described, content: {} } as unknown as Look, children: undefined, opaque: false };
  const node: FileNode = { ...shared, kind: 'file', inode: '0:1' };
  const root = rootOf(Array.from({ length: 66_000 }, (_, index) => [b(index.toString(36)), node] as const));
  const image = openErofs(Buffer.concat([...writeErofs({ ...LAYER, root }, { id: LAYER.diffId, opaqueXattr: b('') })]));
  expect(image.inodes).toBe(2);
  expect(find(image, 'zz')).toMatchObject({ links: 66_000, isCompact: false });
});

test('an image is named by the id it is given', () => {
  expect(written({}, digestOf('a')).uuid).not.toBe(written({}, digestOf('b')).uuid);
});
