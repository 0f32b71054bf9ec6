import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf, type Digest } from '../../../../src/oci/digest.js';
import { keepStorage, watchWork } from '../../../../src/toolchain/care/keep-storage.js';
import { leastUsed } from '../../../../src/toolchain/care/prune-store.js';
import { openStore, type OpenStore } from '../../../../src/store/open-store.js';
import type { KeptRecord } from '../../../../src/store/record-store.js';
import type { PruneResult } from '../../../../src/toolchain/care/store-care-types.js';
import type { Toolchain } from '../../../../src/toolchain/toolchain-types.js';
import { createToolchain } from '../../../../src/toolchain.js';
import { ingestBytes, layerTar, putSampleImage, type SampleImage } from '../../../support/sample-images.js';
import { expectSoundStore } from '../../../support/store-oracle.js';

let root: string;
let store: OpenStore;
let tools: Toolchain;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'prune-'));
  store = await openStore(root);
  tools = await createToolchain({ storeRoot: root, env: {} });
});
afterEach(async () => {
  store[Symbol.dispose]();
  await tools[Symbol.asyncDispose]();
  rmSync(root, { recursive: true });
});

const image = async (content: string, name?: string): Promise<SampleImage> =>
  await putSampleImage(store, [{ tar: await layerTar({ file: content }) }], name);

/** A remembered result of so many bytes, used so many days ago. */
async function remembered(name: string, size: number, days: number): Promise<Digest> {
  const bytes = Buffer.alloc(size, name);
  const blob = await ingestBytes(store.blobs, bytes);
  const key = digestOf(name);
  await store.records.save('compressed', key, { mediaType: '', ...blob });
  const then = Date.now() / 1000 - days * 86_400;
  utimesSync(join(root, 'records/compressed', `${key.slice(7)}.json`), then, then);
  return key;
}

const keysOf = ({ cache }: PruneResult): readonly string[] => cache.map(({ key }) => key);

describe('prune', () => {
  test('removes images without a name and what nothing needs, and keeps the rest', async () => {
    const named = await image('named', 'x:1');
    const nameless = await image('nameless');
    const key = await remembered('recent', 100, 0);
    const unneeded = await ingestBytes(store.blobs, Buffer.from('unneeded'));
    const result = await tools.prune();
    expect(result.images).toEqual([{ kind: 'deleted', digest: nameless.imageId }]);
    expect(result.cache).toEqual([]);
    expect(result.blobs.count).toBe(4);
    expect(result.bytes).toBe(result.blobs.bytes);
    expect(await store.blobs.has(unneeded.digest)).toBe(false);
    expect(await store.blobs.has(named.imageId)).toBe(true);
    expect(await store.records.load('compressed', key)).toBeDefined();
    expect(await tools.prune()).toMatchObject({ images: [], blobs: { count: 0, bytes: 0 }, bytes: 0 });
    expectSoundStore(root);
  });

  test('tells beforehand exactly what it then does', async () => {
    await image('named', 'x:1');
    await image('nameless');
    await remembered('old', 1000, 3);
    for (const options of [{}, { unusedSince: Date.now() - 86_400_000 }, { all: true }]) {
      const before = readdirSync(root, { recursive: true }).filter((path) => !String(path).startsWith('locks'));
      const told = await tools.prune({ ...options, dryRun: true });
      const after = readdirSync(root, { recursive: true }).filter((path) => !String(path).startsWith('locks'));
      expect(after).toEqual(before);
      expect(await tools.prune(options)).toEqual(told);
      expect(told.blobs.count).toBeGreaterThan(0);
    }
  });

  test('with all, nothing is left', async () => {
    await image('named', 'x:1');
    await remembered('recent', 100, 0);
    mkdirSync(join(root, 'git/repository'), { recursive: true });
    writeFileSync(join(root, 'git/repository/pack'), 'packed');
    const result = await tools.prune({ all: true });
    expect(result.images[0]).toEqual({ kind: 'untagged', name: 'x:1' });
    expect(result.gitRepositories).toEqual({ count: 1, bytes: 6 });
    expect(readdirSync(join(root, 'blobs/sha256'))).toEqual([]);
    expect(readdirSync(join(root, 'records/compressed'))).toEqual([]);
    expect(existsSync(join(root, 'git/repository'))).toBe(false);
    expect(await tools.images()).toEqual([]);
    expectSoundStore(root);
  });

  test('by age: the build cache that was not used since, and images that were made before', async () => {
    const old = await remembered('old', 100, 3);
    const recent = await remembered('recent', 100, 0.5);
    await image('nameless');
    const result = await tools.prune({ unusedSince: Date.now() - 86_400_000 });
    expect(keysOf(result)).toEqual([old]);
    expect(await store.records.load('compressed', recent)).toBeDefined();
    // Sample images do not say when they were made, and so count as old.
    expect(result.images).toHaveLength(1);
  });

  test('by size: what was not used for the longest time goes first, and no more than has to', async () => {
    const keys = [await remembered('c', 3000, 1.5), await remembered('a', 3000, 9), await remembered('b', 3000, 5)];
    expect(keysOf(await tools.prune({ keepStorage: 10_000 }))).toEqual([]);
    expect(keysOf(await tools.prune({ keepStorage: 6_500 }))).toEqual([keys[1]]);
    expect(keysOf(await tools.prune({ keepStorage: 0 }))).toEqual([keys[2], keys[0]]);
  });

  test('a hit counts as a use, though one of today is not written down', async () => {
    const key = await remembered('used', 100, 9);
    const path = join(root, 'records/compressed', `${key.slice(7)}.json`);
    await store.records.load('compressed', key);
    expect(keysOf(await tools.prune({ unusedSince: Date.now() - 86_400_000 }))).toEqual([]);
    const hourAgo = Math.floor(Date.now() / 1000) - 3600;
    utimesSync(path, hourAgo, hourAgo);
    await store.records.load('compressed', key);
    const { cache } = await tools.diskUsage();
    expect(cache[0]?.usedAt).toBe(hourAgo * 1000);
  });

  test('forgets what stands for a blob that is gone', async () => {
    const key = await remembered('gone', 100, 0);
    await store.blobs.delete((await ingestBytes(store.blobs, Buffer.alloc(100, 'gone'))).digest);
    expect(keysOf(await tools.prune())).toEqual([key]);
  });

  test('clears away locks of work that nobody does any more', async () => {
    mkdirSync(join(root, 'locks/work'), { recursive: true });
    writeFileSync(join(root, 'locks/work', 'a'.repeat(64)), '');
    await tools.prune();
    expect(existsSync(join(root, 'locks/work'))).toBe(false);
  });

  test('waits for builds, and can be cancelled meanwhile', async () => {
    using _building = await store.lock('shared');
    await expect(tools.prune({ signal: AbortSignal.timeout(20) })).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

test('records of one blob free it together, and one that an image needs frees nothing', () => {
  const record = (name: string, digest: Digest, usedAt: number): KeptRecord => {
    return { kind: 'compressed', key: digestOf(name), record: { digest, size: 10 }, usedAt };
  };
  const [one, two, needed] = [digestOf('1'), digestOf('2'), digestOf('3')];
  const records = [record('a', one, 1), record('b', one, 3), record('c', two, 2), record('d', needed, 0)];
  const going = (keepStorage: number): readonly number[] =>
    leastUsed(records, { keepStorage, needed: new Set([needed]) }).map(({ usedAt }) => usedAt);
  expect(going(20)).toEqual([]);
  expect(going(15)).toEqual([1, 2]);
  expect(going(5)).toEqual([1, 2, 3]);
});

describe('disk usage', () => {
  test('counts every blob once, and tells what is shared', async () => {
    const shared = { tar: await layerTar({ shared: 'x'.repeat(5000) }) };
    const first = await putSampleImage(store, [shared, { tar: await layerTar({ a: '' }) }], 'x:1');
    await putSampleImage(store, [shared], 'x:2');
    await store.images.put({ ...first.image, name: { registry: 'docker.io', repository: 'library/y', tag: '1' } });
    await remembered('cached', 700, 1);
    await store.records.save('compressed', digestOf('of an image'), first.layers[0]);
    await ingestBytes(store.blobs, Buffer.alloc(300));
    mkdirSync(join(root, 'corrupt'));
    writeFileSync(join(root, 'corrupt/blob'), 'damaged');
    const usage = await tools.diskUsage();
    expect(usage.images.map(({ names }) => names)).toEqual(expect.arrayContaining([['x:1', 'y:1'], ['x:2']]));
    expect(usage.images.map(({ sharedBytes }) => sharedBytes)).toEqual(Array(2).fill(first.layers[0]?.size));
    expect(usage.imageBytes.reclaimable).toBe(0);
    expect(usage.cache.map((each) => [each.bytes, each.shared])).toEqual([
      [700, false],
      [first.layers[0]?.size, true],
    ]);
    expect(usage).toMatchObject({
      cacheBytes: 700,
      unneeded: { count: 1, bytes: 300 },
      snapshots: [],
      cacheMounts: [],
    });
    expect(usage.temporary.bytes).toBe(7);
    let all = 0;
    for await (const { size } of store.blobs.list()) all += size;
    expect(usage.imageBytes.all + usage.cacheBytes + usage.unneeded.bytes).toBe(all);
  });

  test('says what a prune would free, to the byte', async () => {
    await image('named', 'x:1');
    await image('nameless');
    await ingestBytes(store.blobs, Buffer.alloc(300));
    const { imageBytes, unneeded } = await tools.diskUsage();
    expect(imageBytes.reclaimable).toBeGreaterThan(0);
    expect((await tools.prune()).bytes).toBe(imageBytes.reclaimable + unneeded.bytes);
  });
});

describe('keeping the build cache within a size', () => {
  const parts = () => ({ store, env: {} });

  test('removes what was not used for the longest time, and no image, not even one without a name', async () => {
    const [old, recent] = [await remembered('old', 3000, 9), await remembered('recent', 3000, 1)];
    const nameless = await image('nameless');
    await keepStorage(6000, parts());
    expect(await store.records.load('compressed', old)).toBeDefined();
    await remembered('new', 1000, 0);
    await remembered('old', 3000, 9);
    await keepStorage(6000, parts());
    expect(await store.records.load('compressed', old)).toBeUndefined();
    expect(await store.records.load('compressed', recent)).toBeDefined();
    expect(await store.blobs.has(nameless.imageId)).toBe(true);
    expectSoundStore(root);
  });

  test('does not wait for those who use the store', async () => {
    const key = await remembered('old', 3000, 9);
    using _building = await store.lock('shared');
    await keepStorage(0, parts());
    expect(await store.records.load('compressed', key)).toBeDefined();
  });

  test('is for builds that did something', () => {
    const seen: unknown[] = [];
    const { progress, worked } = watchWork((event) => seen.push(event));
    progress({ type: 'notice', message: 'x' });
    expect(worked()).toBe(false);
    progress({ type: 'step-done', step: 'a', at: 0 });
    expect([worked(), seen.length]).toEqual([true, 2]);
  });
});
