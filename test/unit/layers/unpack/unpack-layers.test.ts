import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commitLayer } from '../../../../src/layers/commit-layer.js';
import { createCopySnapshotter } from '../../../../src/layers/copy-snapshotter.js';
import { createOverlaySnapshotter } from '../../../../src/layers/overlay-snapshotter.js';
import { readLayerIndex } from '../../../../src/layers/index/read-layer-index.js';
import type { Snapshotter } from '../../../../src/layers/snapshotter.js';
import { ensureSnapshot } from '../../../../src/layers/unpack/unpack-layers.js';
import { digestOf, type Digest } from '../../../../src/oci/digest.js';
import { chainIdOf, type Layer } from '../../../../src/oci/layer.js';
import { MEDIA_TYPE } from '../../../../src/oci/media-type.js';
import type { BlobReader } from '../../../../src/store/blob-store.js';
import { collectBytes, streamOf } from '../../../support/byte-source.js';
import { directory, file, layerTar, whiteout } from '../../../support/layer-entries.js';
import { listTree } from '../../../support/listing.js';

class MemoryBlobs implements BlobReader {
  readonly content = new Map<Digest, Buffer>();
  readonly opened: Digest[] = [];

  has(digest: Digest): Promise<boolean> {
    return Promise.resolve(this.content.has(digest));
  }

  open({ digest }: { readonly digest: Digest }): Promise<Readable> {
    this.opened.push(digest);
    return Promise.resolve(Readable.from([this.content.get(digest) ?? Buffer.alloc(0)]));
  }

  read({ digest }: { readonly digest: Digest }): Promise<Buffer> {
    return Promise.resolve(this.content.get(digest) ?? Buffer.alloc(0));
  }

  add(tar: Buffer, compressed: boolean): Layer {
    const bytes = compressed ? gzipSync(tar) : tar;
    const digest = digestOf(bytes);
    this.content.set(digest, bytes);
    const mediaType = compressed ? MEDIA_TYPE.ociLayerGzip : MEDIA_TYPE.ociLayer;
    return { descriptor: { mediaType, digest, size: bytes.length }, diffId: digestOf(tar) };
  }
}

let folder: string;
let blobs: MemoryBlobs;
let layers: readonly Layer[];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'unpack-'));
  blobs = new MemoryBlobs();
  layers = [
    blobs.add(await layerTar(directory('d'), file('d/a', '1')), true),
    blobs.add(await layerTar(file('d/b', '2')), false),
    blobs.add(await layerTar(whiteout('d/a'), file('c', '3')), true),
  ];
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const places = () => ({ directory: path.join(folder, 'snapshots'), temporaryDirectory: path.join(folder, 'tmp') });
const ownership = process.getuid?.() === 0 ? 'real' : 'recorded';
const snapshotters: readonly (readonly [string, () => Snapshotter])[] = [
  ['overlay', () => createOverlaySnapshotter({ ...places(), ownership, userxattr: ownership === 'recorded' })],
  ['copy', () => createCopySnapshotter({ ...places(), ownership })],
];

describe.each(snapshotters)('ensureSnapshot() with the %s snapshotter', (name, create) => {
  test('unpacks what is missing, once', async () => {
    const snapshotter = create();
    const id = await ensureSnapshot({ layers, blobs, snapshotter });
    expect(id).toBe(chainIdOf(layers.map((layer) => layer.diffId)));
    const expected = ['c file 644 0:0 "3"', 'd directory 755 0:0', 'd/b file 644 0:0 "2"'];
    expect(listTree(await snapshotter.tree(id))).toEqual(expected);
    expect(blobs.opened).toHaveLength(3);
    await ensureSnapshot({ layers, blobs, snapshotter });
    expect(blobs.opened).toHaveLength(3);
  });

  test('goes on from the layers that are there', async () => {
    const snapshotter = create();
    await ensureSnapshot({ layers: layers.slice(0, 2), blobs, snapshotter });
    await ensureSnapshot({ layers, blobs, snapshotter });
    expect(blobs.opened).toHaveLength(3);
    expect(await snapshotter.list()).toHaveLength(name === 'overlay' ? 3 : 2);
  });

  test('begins with layers that are here while others are on their way', async () => {
    const snapshotter = create();
    const [bottom, middle, top] = layers;
    const opened: Digest[][] = [];
    const arrived = (layer: Layer): Promise<void> => {
      if (layer === top) opened.push([...blobs.opened]);
      return Promise.resolve();
    };
    const id = await ensureSnapshot({ layers, blobs, snapshotter, arrived });
    expect(opened).toEqual([[bottom?.descriptor.digest, middle?.descriptor.digest]]);
    expect(id !== null && (await snapshotter.has(id))).toBe(true);
  });

  test('passes on why a layer does not come, and leaves nothing of it', async () => {
    const snapshotter = create();
    const arrived = (layer: Layer): Promise<void> =>
      layer === layers[2] ? Promise.reject(new Error('the registry is gone')) : Promise.resolve();
    await expect(ensureSnapshot({ layers, blobs, snapshotter, arrived })).rejects.toThrow('the registry is gone');
    expect(await snapshotter.list()).toHaveLength(name === 'overlay' ? 2 : 0);
    expect(await readdir(path.join(folder, 'tmp'))).toEqual([]);
  });

  test('has nothing to do for no layers', async () => {
    expect(await ensureSnapshot({ layers: [], blobs, snapshotter: create() })).toBeNull();
  });

  test('counts the bytes of the blobs', async () => {
    const counted = new Map<Layer, number>();
    const onBytes = (layer: Layer, count: number) => counted.set(layer, (counted.get(layer) ?? 0) + count);
    await ensureSnapshot({ layers, blobs, snapshotter: create(), onBytes });
    expect([...counted].map(([layer, count]) => count - layer.descriptor.size)).toEqual([0, 0, 0]);
  });

  test('refuses a layer whose diffId lies, and leaves nothing of it', async () => {
    const snapshotter = create();
    const [first, second] = layers;
    if (first === undefined || second === undefined) throw new Error('no layers');
    const lying = [first, { ...second, diffId: digestOf('something else') }];
    await expect(ensureSnapshot({ layers: lying, blobs, snapshotter })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
    expect(await snapshotter.list()).toHaveLength(name === 'overlay' ? 1 : 0);
    expect(await readdir(path.join(folder, 'tmp'))).toEqual([]);
  });

  test('refuses bytes behind the end of a layer that its diffId does not cover', async () => {
    const tar = await layerTar(file('a'));
    const padded = blobs.add(Buffer.concat([tar, Buffer.alloc(512)]), true);
    const snapshotter = create();
    const lying = { ...padded, diffId: digestOf(tar) };
    await expect(ensureSnapshot({ layers: [lying], blobs, snapshotter })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
    await ensureSnapshot({ layers: [padded], blobs, snapshotter });
  });

  test('stops when it is told to, and leaves nothing', async () => {
    const snapshotter = create();
    const signal = AbortSignal.abort();
    await expect(ensureSnapshot({ layers, blobs, snapshotter, signal })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await readdir(path.join(folder, 'tmp'))).toEqual([]);
  });

  test('accepts the empty layer', async () => {
    const empty = blobs.add(Buffer.alloc(1024), true);
    expect(empty.diffId).toMatch(/^sha256:5f70bf18/);
    const snapshotter = create();
    const id = await ensureSnapshot({ layers: [empty, ...layers], blobs, snapshotter });
    expect(listTree(await snapshotter.tree(id))).toHaveLength(3);
  });
});

describe('commitLayer()', () => {
  test('stores the tar of the changes as it is', async () => {
    const changes = [directory('d'), file('d/f', 'x')];
    let stored: Buffer = Buffer.alloc(0);
    const layer = await commitLayer({
      changes: streamOf(changes),
      blobs: {
        async ingest(source) {
          stored = await collectBytes(source);
          return { digest: digestOf(stored), size: stored.length };
        },
      },
    });
    expect(stored.equals(await layerTar(...changes))).toBe(true);
    expect(layer).toEqual({
      descriptor: { mediaType: MEDIA_TYPE.ociLayer, digest: digestOf(stored), size: stored.length },
      diffId: digestOf(stored),
    });
  });
});

test('makes the indexes that are missing on the way, of layers that are what they should be', async () => {
  const saved = new Map<Digest, number>();
  const indexes = {
    has: (diffId: Digest) => diffId === layers[1]?.diffId,
    load: () => undefined,
    isUntouched: () => false,
    save: (diffId: Digest, { bytes }: { readonly bytes: Uint8Array }) => {
      saved.set(diffId, readLayerIndex(Buffer.from(bytes))?.count ?? -1);
      return Promise.resolve();
    },
  };
  const snapshotter = createCopySnapshotter({
    directory: path.join(folder, 'snapshots'),
    temporaryDirectory: path.join(folder, 'tmp'),
    ownership: 'recorded',
  });
  const [first, , third] = layers;
  await ensureSnapshot({ layers, blobs, snapshotter, indexes });
  expect([...saved]).toEqual([
    [first?.diffId, 2],
    [third?.diffId, 2],
  ]);
  const other = blobs.add(await layerTar(file('x')), true);
  saved.clear();
  const lying = [{ ...other, diffId: digestOf('another') }];
  await expect(ensureSnapshot({ layers: lying, blobs, snapshotter, indexes })).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
  });
  expect(saved.size).toBe(0);
});
