import { spawnSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { Change } from '../../src/layers/change.js';
import { createDirectoryTree } from '../../src/layers/directory-tree.js';
import { writeErofs } from '../../src/layers/erofs/write-erofs.js';
import type { FileNode, Look } from '../../src/layers/index/file-node.js';
import { createLayersTree } from '../../src/layers/layers-tree.js';
import { createOverlaySnapshotter } from '../../src/layers/overlay-snapshotter.js';
import { PLAIN_DIRECTORY, type Tree } from '../../src/layers/tree.js';
import { digestOf } from '../../src/oci/digest.js';
import type { ChainId } from '../../src/oci/layer.js';
import { bytesOfText, type ByteString } from '../../src/support/byte-string.js';
import { CLONE, invoke, MNT_DETACH, MS } from '../../src/support/syscalls.js';
import { inChunks } from '../support/byte-source.js';
import { erofsOf, indexedLayers } from '../support/indexed-tree.js';
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
} from '../support/layer-entries.js';
import { listTree } from '../support/listing.js';
import { requirement } from '../support/require.js';
import { hasTools } from '../support/tools.js';

// What the kernel makes of EROFS images, held to unpacked copies: types, modes, owners, times, sizes, contents, links, attributes.

const MOUNT = 'int mount(const char *, const char *, const char *, unsigned long, const void *)';
const OPAQUE = bytesOfText('trusted.overlay.opaque');

const folder = mkdtempSync(join(tmpdir(), 'erofs-mount-'));
let mounted: string[] = [];

/** In a mount namespace of this thread, which dies with it: what follows is synchronous, as other threads do not see it. */
function mountErofs(image: string, tar: string): string {
  const target = mkdtempSync(join(folder, 'mount-'));
  const options = Buffer.from(`device=${tar}\0`);
  invoke(MOUNT, image, [image, target, 'erofs', MS.rdonly, options]);
  mounted.push(target);
  return target;
}

function mountOverlay(lowers: readonly string[]): string {
  const target = mkdtempSync(join(folder, 'mount-'));
  const empty = mkdtempSync(join(folder, 'empty-'));
  const options = Buffer.from(`lowerdir=${[...lowers].reverse().join(':')}:${empty}\0`);
  invoke(MOUNT, 'overlay', ['overlay', target, 'overlay', MS.rdonly, options]);
  mounted.push(target);
  return target;
}

function unmountAll(): void {
  for (const target of mounted.reverse()) invoke('int umount2(const char *, int)', target, [target, MNT_DETACH]);
  mounted = [];
}

function ownNamespace(): void {
  invoke('int unshare(int)', 'mount namespace', [CLONE.newns]);
  invoke(MOUNT, '/', ['none', '/', null, MS.rec | MS.private, null]);
}

/** The files of a layer's image and tar, beside each other. */
function written(tars: readonly Buffer[]): readonly { readonly image: string; readonly tar: string }[] {
  const place = mkdtempSync(join(folder, 'layers-'));
  return indexedLayers(tars, folder).map((layer, number) => {
    const [image, tar] = [join(place, `${number}.erofs`), join(place, `${number}.tar`)];
    writeFileSync(image, erofsOf(layer));
    writeFileSync(tar, layer.tar);
    return { image, tar };
  });
}

async function probe(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root may mount';
  const tars = [await layerTar(file('a', 'x'))];
  try {
    ownNamespace();
    for (const { image, tar } of written(tars)) mountErofs(image, tar);
    return undefined;
  } catch (error) {
    return String(error);
  } finally {
    unmountAll();
  }
}

const reason = await probe();
const erofs = requirement('erofs', reason === undefined, reason ?? '');
const title = (text: string): string => (erofs.skip ? `${text} (${erofs.reason})` : text);

afterAll(() => {
  unmountAll();
  rmSync(folder, { recursive: true });
});

async function unpacked(tars: readonly Buffer[]): Promise<Tree> {
  const place = mkdtempSync(join(folder, 'unpacked-'));
  const places = { directory: join(place, 'snapshots'), temporaryDirectory: join(place, 'tmp') };
  const snapshotter = createOverlaySnapshotter({ ...places, ownership: 'real', userxattr: false });
  let parent: ChainId | null = null;
  for (const [number, tar] of tars.entries()) {
    await using active = await snapshotter.prepare(parent);
    await active.apply(inChunks(tar));
    parent = digestOf(`layer ${number} of ${place}`) as ChainId;
    await active.commit(parent);
  }
  return await snapshotter.tree(parent);
}

/** As lines, with the root, and which names are of one file. */
function shown(tree: Tree): readonly string[] {
  const { mode, uid, gid, mtime } = tree.lstat('' as ByteString) ?? {};
  const names = new Map<string, string[]>();
  const visit = (path: ByteString): void => {
    for (const name of tree.list(path)) {
      const below = (path === '' ? name : `${path}/${name}`) as ByteString;
      const entry = tree.lstat(below);
      if (entry?.inode != null) names.set(entry.inode, [...(names.get(entry.inode) ?? []), below]);
      if (entry?.type === 'directory') visit(below);
    }
  };
  visit('' as ByteString);
  const root = JSON.stringify({ mode, uid, gid, mtime });
  return [root, ...listTree(tree, { times: true }), ...[...names.values()].map((same) => same.join(' = ')).sort()];
}

const at = (seconds: number, nanoseconds = 0) => ({ mtime: { seconds, nanoseconds } });
const xattrs = (entries: Readonly<Record<string, Buffer>>) => ({
  xattrs: new Map(Object.entries(entries).map(([name, value]) => [bytesOfText(name), value] as const)),
});
const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');

const stack: readonly (readonly Change[])[] = [
  [
    directory('', { mode: 0o711, uid: 5, ...at(99, 9) }),
    directory('d', { mode: 0o1777, uid: 70_000, gid: 4_000_000_000, ...at(-5, 123_456_789) }),
    file('d/setuid', 'x', { mode: 0o6755, uid: 3, ...at(2 ** 33) }),
    file('d/capable', 'y'.repeat(512), { mode: 0o755, ...xattrs({ 'security.capability': capability }) }),
    file('d/tagged', 'z'.repeat(1000), xattrs({ 'user.a': Buffer.alloc(3000, 7), 'user.b': Buffer.alloc(0) })),
    ...[1, 511, 513, 4095, 4096, 4097, 70_000].map((size) => file(`sizes/${size}`, Buffer.alloc(size, `${size},`))),
    file('empty'),
    ...[1, 59, 60, 300, 480, 511, 512, 513, 4095].map((length) => symlink(`links/${length}`, 't'.repeat(length))),
    ...Array.from({ length: 1500 }, (_, index) =>
      file(`many/${String.fromCharCode(33 + (index % 90))}-${index}`, `${index}`),
    ),
    file(`long/${'n'.repeat(255)}`, 'n'),
    fifo('p', { uid: 6 }),
    device('c', 300, 70_000, { mode: 0o660 }),
    hardlink('d/same', 'd/tagged'),
    symlink('l', 'd', at(7)),
    hardlink('l2', 'l'),
    directory('gone'),
    file('gone/f', 'g'),
    directory('hidden/inner'),
    file('hidden/f', 'h'),
    file('hidden/inner/f', 'h'),
  ],
  [
    whiteout('gone'),
    whiteout('hidden/inner/f'),
    opaque('hidden'),
    file('hidden/own', 'own'),
    file('l/through-a-link', 'new', at(8)),
    whiteout('many/!-0'),
    file('many/%-4', 'changed'),
    file('sizes', 'a file now'),
  ],
  [directory('sizes', at(1)), file('sizes/1', 'again'), whiteout('c'), directory('empty', at(3)), whiteout('d/same')],
];

test.skipIf(erofs.skip)(title('the kernel shows of images what is in unpacked copies'), async () => {
  const tars = await Promise.all(stack.map((changes) => layerTar(...changes)));
  const expected = shown(await unpacked(tars));
  const targets = written(tars).map(({ image, tar }) => mountErofs(image, tar));
  try {
    const layers = targets.map((target) => ({ directory: bytesOfText(target), owners: new Map() })).reverse();
    expect(shown(createLayersTree({ layers, ownership: 'real', opaqueXattr: OPAQUE }))).toEqual(expected);
    const overlay = mountOverlay(targets);
    expect(shown(createDirectoryTree(overlay))).toEqual(expected);
    // Which reads the entries of directories one after the other, and shows no marks.
    expect(readdirSync(join(overlay, 'hidden/inner'))).toEqual([]);
    expect(statSync(join(overlay, 'many')).nlink).toBe(1);
  } finally {
    unmountAll();
  }
});

const name = fc.constantFrom('a', 'b', 'c');
const somePath = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const change: fc.Arbitrary<Change> = fc.oneof(
  fc
    .tuple(somePath, fc.nat(2000), fc.nat(9))
    .map(([path, size, time]) => file(path, Buffer.alloc(size, path), at(time, time))),
  fc.tuple(somePath, fc.nat(9)).map(([path, time]) => directory(path, at(time, time))),
  fc.tuple(somePath, somePath).map(([path, target]) => symlink(path, target)),
  somePath.map(whiteout),
  somePath.map(opaque),
);
const layers = fc.array(fc.array(change, { maxLength: 8 }), { minLength: 1, maxLength: 3 });

test.skipIf(erofs.skip)(title('overlays of images show of any layers what is in unpacked copies'), async () => {
  const base = [
    directory('a', at(1)),
    file('a/b', 'base', at(1)),
    file('b/c', 'base', at(1)),
    symlink('c', 'a', at(1)),
  ];
  await fc.assert(
    fc.asyncProperty(layers, async (random) => {
      const tars = await Promise.all([base, ...random].map((changes) => layerTar(...changes)));
      const tree = await unpacked(tars).catch(() => undefined);
      // Links that lead in circles: nobody takes these layers.
      fc.pre(tree !== undefined);
      const targets = written(tars).map(({ image, tar }) => mountErofs(image, tar));
      try {
        expect(shown(createDirectoryTree(mountOverlay(targets)))).toEqual(shown(tree));
      } finally {
        unmountAll();
      }
    }),
    { numRuns: Number(process.env['TSBUILD_TEST_RUNS'] ?? 10) },
  );
});

test.skipIf(erofs.skip)(title('a file is read beyond its first four gigabytes'), () => {
  const [size, offset] = [2 ** 32 + 1234, 1024];
  const [image, tar] = [join(folder, 'large.erofs'), join(folder, 'large.tar')];
  // Zeros that take no room, but for the ends.
  const descriptor = openSync(tar, 'w');
  writeSync(descriptor, 'begin', offset);
  writeSync(descriptor, 'end', offset + size - 3);
  ftruncateSync(descriptor, 512 * Math.ceil((offset + size) / 512));
  closeSync(descriptor);
  writeFileSync(image, erofsOfFile({ size, offset }));
  const target = mountErofs(image, tar);
  try {
    const file = openSync(join(target, 'f'), 'r');
    const [begin, end] = [Buffer.alloc(5), Buffer.alloc(9)];
    readSync(file, begin, 0, begin.length, 0);
    const count = readSync(file, end, 0, end.length, size - 3);
    closeSync(file);
    expect([begin.toString(), end.toString('latin1', 0, count), statSync(join(target, 'f')).size]).toEqual([
      'begin',
      'end',
      size,
    ]);
  } finally {
    unmountAll();
  }
});

function erofsOfFile(content: { readonly size: number; readonly offset: number }): Buffer {
  const look = { entry: PLAIN_DIRECTORY, xattrs: new Map<ByteString, Uint8Array>() };
  const plain = { type: 'file', mode: 0o644, uid: 0, gid: 0, seconds: 0, nanoseconds: 0, xattrs: look.xattrs };
  const diffId = digestOf('');
  const described = { file: { ...plain, ...content }, content: {} } as unknown as Look;
  const node: FileNode = { kind: 'file', look: described, children: undefined, opaque: false, inode: null };
  const root: FileNode = { ...node, kind: 'directory', look, children: new Map([['f' as ByteString, node]]) };
  const layer = { diffId, tarSize: content.offset + content.size, root };
  return Buffer.concat([...writeErofs(layer, { id: diffId, opaqueXattr: OPAQUE })]);
}

test('fsck.erofs finds nothing, where there is one that knows blocks of 512 bytes', async (context) => {
  if (!hasTools('fsck.erofs')) context.skip('fsck.erofs is not installed');
  for (const { image, tar } of written(await Promise.all(stack.map((changes) => layerTar(...changes))))) {
    const { status, stdout, stderr } = spawnSync('fsck.erofs', [`--device=${tar}`, image], { encoding: 'utf8' });
    // Those before 1.6 know pages only, nor do they take devices.
    if (/blksize 512 isn't supported|unrecognized option/.test(stderr)) context.skip('fsck.erofs is too old');
    expect({ status, output: stdout + stderr }).toEqual({ status: 0, output: expect.not.stringMatching(/<E>/) });
  }
});
