import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Change } from '../../src/layers/change.js';
import { createOverlaySnapshotter } from '../../src/layers/overlay-snapshotter.js';
import type { Snapshotter } from '../../src/layers/snapshotter.js';
import type * as LayerThreadsModule from '../../src/layers/unpack/layer-threads.js';
import { unpackApart } from '../../src/layers/unpack/unpack-apart.js';
import { ensureSnapshot } from '../../src/layers/unpack/unpack-layers.js';
import { digestOf } from '../../src/oci/digest.js';
import { chainIdOf, type ChainId, type Layer } from '../../src/oci/layer.js';
import { MEDIA_TYPE } from '../../src/oci/media-type.js';
import { layout } from '../../src/store/layout.js';
import { openStore, type OpenStore } from '../../src/store/open-store.js';
import type { ByteString } from '../../src/support/byte-string.js';
import { directory, file, fifo, hardlink, layerTar, opaque, symlink, whiteout } from '../support/layer-entries.js';
import { listTree } from '../support/listing.js';

const DIST = new URL('../../dist/layers/unpack/layer-threads.js', import.meta.url);
if (!existsSync(DIST)) throw new Error('threads run what is built: run npm run build first');
const { createLayerThreads } = (await import(DIST.href)) as typeof LayerThreadsModule;

/** Enough to be worth a thread: gzip makes nothing of it. */
const bulk = (seed: number): Buffer => {
  const words = new Uint32Array((4 << 18) + 1000);
  let state = seed;
  for (const at of words.keys()) words[at] = state = Math.imul(state ^ (state >>> 13), 0x5bd1_e995) + 0x9e37_79b9;
  return Buffer.from(words.buffer);
};

/** What a layer means here hangs on the ones below: links, hidden files, directories that it does not describe. */
const STACK: readonly (readonly Change[])[] = [
  [
    directory('', { mode: 0o751 }),
    directory('usr', { mode: 0o711 }),
    directory('usr/lib', { mode: 0o700 }),
    symlink('lib', 'usr/lib'),
    file('usr/lib/a', 'a'),
    file('usr/lib/b', bulk(1)),
    directory('gone'),
    file('gone/x', 'x'),
    directory('replaced'),
    file('replaced/old', 'old'),
  ],
  [file('lib/through-link', 'l'), hardlink('lib/linked', 'usr/lib/a'), file('bulk', bulk(2)), whiteout('gone')],
  [file('tiny', 't'), fifo('pipe', { uid: 7, gid: 8 })],
  [opaque('replaced'), file('replaced/new', bulk(3)), whiteout('usr/lib/b'), file('gone/again', 'y')],
  [file('usr/lib/b', 'b again'), file('usr/lib/sub/deep', bulk(4)), whiteout('lib/a')],
];

let home: string;
let store: OpenStore;
let layers: readonly Layer[];
beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'unpack-threads-'));
  store = await openStore(path.join(home, 'store'));
  const stored: Layer[] = [];
  for (const [index, changes] of STACK.entries()) stored.push(await storeLayer(changes, index));
  layers = stored;
  await ensureSnapshot({ layers, blobs: store.blobs, snapshotter: alone() });
});
afterAll(async () => {
  store[Symbol.dispose]();
  await rm(home, { recursive: true, force: true });
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(home, 'test-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function storeLayer(changes: readonly Change[], index: number): Promise<Layer> {
  const tar = await layerTar(...changes);
  // One that is not compressed, and one of two members.
  const bytes = [gzipSync(tar, { level: 1 }), tar, gzipSync(tar, { level: 1 }), twoMembers(tar)][index % 4] ?? tar;
  const { digest, size } = await store.blobs.ingest(Readable.from([bytes]));
  const mediaType = index % 4 === 1 ? MEDIA_TYPE.ociLayer : MEDIA_TYPE.ociLayerGzip;
  return { descriptor: { mediaType, digest, size }, diffId: digestOf(tar) };
}

const twoMembers = (tar: Buffer): Buffer =>
  Buffer.concat([tar.subarray(0, 1_000_001), tar.subarray(1_000_001)].map((part) => gzipSync(part, { level: 1 })));

const ownership = process.getuid?.() === 0 ? 'real' : 'recorded';
const snapshotterAt = (directory: string): Snapshotter =>
  createOverlaySnapshotter({
    directory: path.join(directory, 'snapshots'),
    temporaryDirectory: path.join(directory, 'unfinished'),
    ownership,
    userxattr: ownership === 'recorded',
  });
/** Unpacked by this process, one layer after the other. */
const alone = (): Snapshotter => snapshotterAt(home);
const leftIn = (directory: string): readonly string[] => readdirSync(path.join(directory, 'unfinished'));
const threadsOf = (count: number) => createLayerThreads({ storeRoot: store.root, threads: count });

async function listAll(snapshotter: Snapshotter): Promise<readonly unknown[]> {
  const listings: unknown[] = [];
  for (const id of await snapshotter.list()) {
    const tree = await snapshotter.tree(id);
    listings.push([id, tree.lstat('' as ByteString), ...listTree(tree, { times: true })]);
  }
  // Inodes differ between file systems.
  return JSON.parse(JSON.stringify(listings, (key, value: unknown) => (key === 'inode' ? null : value))) as unknown[];
}

describe('threads unpack layers as one process does', () => {
  test.each([1, 5])('with %d of them', async (count) => {
    const together = snapshotterAt(folder);
    await using threads = threadsOf(count);
    const read = new Map<Layer, number>();
    const onBytes = (layer: Layer, bytes: number) => read.set(layer, (read.get(layer) ?? 0) + bytes);
    await unpackApart(stackOf(layers), { snapshots: apartOf(together), threads, onBytes });
    expect(await listAll(together)).toEqual(await listAll(alone()));
    expect([...read].map(([layer, bytes]) => bytes - layer.descriptor.size)).toEqual(layers.map(() => 0));
    expect(leftIn(folder)).toEqual([]);
  });

  test('upon layers that are there', async () => {
    const together = snapshotterAt(folder);
    await ensureSnapshot({ layers: layers.slice(0, 1), blobs: store.blobs, snapshotter: together });
    await using threads = threadsOf(2);
    const id = await ensureSnapshot({ layers, blobs: store.blobs, snapshotter: together, threads });
    expect(id).toBe(chainIdOf(layers.map(({ diffId }) => diffId)));
    expect(await listAll(together)).toEqual(await listAll(alone()));
  });
});

test('threads stop when they are told to, whatever they wait for, and leave nothing', async () => {
  const snapshotter = snapshotterAt(folder);
  await using threads = threadsOf(5);
  const controller = new AbortController();
  // The first bytes that are read are in the middle of it: threads wait for the bottommost layer then.
  const onBytes = (): void => {
    controller.abort();
  };
  const unpacking = ensureSnapshot({
    layers,
    blobs: store.blobs,
    snapshotter,
    threads,
    onBytes,
    signal: controller.signal,
  });
  await expect(unpacking).rejects.toMatchObject({ code: 'ABORTED' });
  expect(leftIn(folder)).toEqual([]);
});

describe('a layer that is not what it should be', () => {
  test('is refused, with what lies upon it, for another content than its diffId says', async () => {
    const snapshotter = snapshotterAt(folder);
    await using threads = threadsOf(2);
    const lying = layers.map((layer, index) => (index === 3 ? { ...layer, diffId: digestOf('other') } : layer));
    const unpacking = ensureSnapshot({ layers: lying, blobs: store.blobs, snapshotter, threads });
    await expect(unpacking).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(await snapshotter.list()).toHaveLength(3);
    expect(leftIn(folder)).toEqual([]);
  });

  // The last test: the blob is gone then.
  test('is refused by name when its blob is damaged on the disk', async () => {
    const snapshotter = snapshotterAt(folder);
    const damaged = layers[1]?.descriptor;
    if (damaged === undefined) throw new Error('no layers');
    await writeFile(layout.blob(store.root, damaged.digest), Buffer.alloc(damaged.size));
    await using threads = threadsOf(2);
    const unpacking = ensureSnapshot({ layers, blobs: store.blobs, snapshotter, threads });
    await expect(unpacking).rejects.toMatchObject({ message: expect.stringContaining(damaged.digest) as string });
    expect(await snapshotter.list()).toHaveLength(1);
    expect(leftIn(folder)).toEqual([]);
  });
});

function apartOf({ apart }: Snapshotter): NonNullable<Snapshotter['apart']> {
  if (apart === undefined) throw new Error('no snapshots apart');
  return apart;
}

function stackOf(stack: readonly Layer[]): Parameters<typeof unpackApart>[0] {
  const ids = stack.map((_, index) => chainIdOf(stack.slice(0, index + 1).map(({ diffId }) => diffId)));
  return stack.map((layer, index) => ({ layer, id: ids[index] as ChainId, parent: ids[index - 1] ?? null }));
}
