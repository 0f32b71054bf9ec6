import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf, isDigest, type Digest } from '../../../../src/oci/digest.js';
import type { BlobInfo } from '../../../../src/store/blob-store.js';
import { collectGarbage, discardBlobs } from '../../../../src/store/garbage/collect.js';
import { openStore, type OpenStore } from '../../../../src/store/open-store.js';
import { ingestBytes, layerTar, putSampleImage, type SampleImage } from '../../../support/sample-images.js';

let root: string;
let store: OpenStore;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'collect-'));
  store = await openStore(root);
});
afterEach(() => {
  store[Symbol.dispose]();
  rmSync(root, { recursive: true });
});

async function blobs(): Promise<readonly Digest[]> {
  const found: Digest[] = [];
  for await (const { digest } of store.blobs.list()) found.push(digest);
  return found;
}

const garbage = async (text = 'garbage'): Promise<BlobInfo> => await ingestBytes(store.blobs, Buffer.from(text));
const image = async (name?: string): Promise<SampleImage> =>
  await putSampleImage(store, [{ tar: await layerTar({ [name ?? 'none']: 'content' }) }], name);
const keepRecord = (record: unknown): readonly Digest[] =>
  typeof record === 'string' && isDigest(record) ? [record] : [];

describe('collectGarbage()', () => {
  test('deletes what nothing reaches, and counts it', async () => {
    const kept = await image('x:1');
    const nameless = await image();
    const unwanted = await garbage();
    expect(await collectGarbage({ store, keepRecord })).toMatchObject({
      deleted: [unwanted.digest],
      bytes: unwanted.size,
    });
    for (const { imageId, layers, image: each } of [kept, nameless]) {
      expect(await blobs()).toEqual(expect.arrayContaining([imageId, each.descriptor.digest, layers[0]?.digest]));
    }
    expect(await collectGarbage({ store, keepRecord })).toMatchObject({ deleted: [], bytes: 0 });
  });

  test('keeps all of an image whose name a registry resolved to its very manifest', async () => {
    const { image: stored, imageId, layers } = await image('x:1');
    await store.images.put({ ...stored, resolved: stored.descriptor.digest });
    expect(await collectGarbage({ store, keepRecord })).toMatchObject({ deleted: [] });
    expect(await blobs()).toEqual(expect.arrayContaining([imageId, layers[0]?.digest]));
  });

  test('keeps all of an image whose name was resolved to its manifest, and not to an index', async () => {
    const pulled = await image('x:1');
    await store.images.put({ ...pulled.image, resolved: pulled.image.descriptor.digest });
    expect(await collectGarbage({ store, keepRecord })).toMatchObject({ deleted: [], bytes: 0 });
  });

  test('removes the claims of dead processes', async () => {
    mkdirSync(join(root, 'locks/work'), { recursive: true });
    writeFileSync(join(root, 'locks/work', 'f'.repeat(64)), '');
    await collectGarbage({ store, keepRecord });
    expect(existsSync(join(root, 'locks/work'))).toBe(false);
  });

  test('keeps what came of a blob today, and not what came yesterday', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Buffer.from('half'));
      throw new Error('dead');
    }
    const [today, yesterday] = [digestOf('today'), digestOf('yesterday')];
    for (const digest of [today, yesterday]) {
      await expect(store.blobs.resume({ digest, size: 100 }, broken)).rejects.toThrow('dead');
    }
    const pathOf = (digest: Digest): string => join(root, 'tmp/partial', digest.replace(':', '-'));
    const old = new Date(Date.now() - 25 * 3_600_000);
    utimesSync(pathOf(yesterday), old, old);
    await collectGarbage({ store, keepRecord });
    expect([today, yesterday].map((digest) => existsSync(pathOf(digest)))).toEqual([true, false]);
  });

  test('deletes all of an image that was removed, but for what another shares', async () => {
    const first = await putSampleImage(
      store,
      [{ tar: await layerTar({ shared: '' }) }, { tar: await layerTar({ a: '' }) }],
      'x:1',
    );
    const second = await putSampleImage(store, [{ tar: await layerTar({ shared: '' }) }], 'x:2');
    await store.images.remove(first.image);
    const { deleted } = await collectGarbage({ store, keepRecord });
    expect(deleted.toSorted()).toEqual(
      [first.image.descriptor.digest, first.imageId, first.layers[1]?.digest].toSorted(),
    );
    expect(await blobs()).toHaveLength(3);
    expect(await store.blobs.has(second.imageId)).toBe(true);
  });

  test('keeps what records reach, and the index that a name was resolved to', async () => {
    const [recorded, index, unwanted] = [await garbage('layer'), await garbage('index'), await garbage()];
    const { image: stored } = await image('x:1');
    await store.images.put({ ...stored, resolved: index.digest });
    await store.records.save('step', digestOf('key'), recorded.digest);
    expect((await collectGarbage({ store, keepRecord })).deleted).toEqual([unwanted.digest]);
  });

  test('keeps what entries of other tools reach, down through indexes and artifacts', async () => {
    const [layer, part] = [await garbage('layer'), await garbage('part')];
    const artifact = await garbage(
      JSON.stringify({ blobs: [part], layers: [{ ...layer, mediaType: 'x' }], config: null }),
    );
    const index = await garbage(
      JSON.stringify({
        manifests: [
          { ...artifact, mediaType: 'application/vnd.oci.artifact.manifest.v1+json' },
          { digest: digestOf('not here'), size: 3, mediaType: 'application/vnd.oci.image.manifest.v1+json' },
          'nonsense',
        ],
      }),
    );
    const entry = { ...index, mediaType: 'application/vnd.oci.image.index.v1+json' };
    writeFileSync(join(root, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
    expect((await collectGarbage({ store, keepRecord })).deleted).toEqual([]);
  });

  test('deletes nothing when the names cannot be read', async () => {
    await garbage();
    writeFileSync(join(root, 'index.json'), '{');
    await expect(collectGarbage({ store, keepRecord })).rejects.toMatchObject({ code: 'STORE_INVALID' });
    expect(await blobs()).toHaveLength(1);
  });

  test('waits for those who use the store, and can be cancelled', async () => {
    await garbage();
    const shared = await store.lock('shared');
    const signal = AbortSignal.timeout(20);
    await expect(collectGarbage({ store, keepRecord, signal })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await blobs()).toHaveLength(1);
    shared[Symbol.dispose]();
    await collectGarbage({ store, keepRecord });
    expect(await blobs()).toEqual([]);
  });

  test('removes what crashes left behind', async () => {
    const stray = join(root, 'records/step/x.json.0123456789ab.unfinished');
    const young = join(root, 'index.json.0123456789ab.unfinished');
    mkdirSync(join(root, 'records/step'), { recursive: true });
    mkdirSync(join(root, 'corrupt'));
    mkdirSync(join(root, 'tmp/owned-dead'));
    writeFileSync(stray, '');
    writeFileSync(young, '');
    writeFileSync(join(root, 'corrupt/sha256-x'), '');
    utimesSync(stray, new Date(0), new Date(0));
    await collectGarbage({ store, keepRecord });
    expect([stray, join(root, 'corrupt'), join(root, 'tmp/owned-dead')].filter(existsSync)).toEqual([]);
    expect(existsSync(young)).toBe(true);
  });
});

describe('discardBlobs()', () => {
  test('deletes what was added, unless something needs it by now', async () => {
    const { imageId } = await image('x:1');
    const [recorded, unwanted] = [await garbage('recorded'), await garbage()];
    await store.records.save('step', digestOf('key'), { layer: { digest: recorded.digest } });
    await discardBlobs(store, [imageId, recorded.digest, unwanted.digest]);
    expect(await store.blobs.has(unwanted.digest)).toBe(false);
    expect(await store.blobs.has(recorded.digest)).toBe(true);
    expect(await store.blobs.has(imageId)).toBe(true);
  });

  test('leaves everything to a collection while somebody uses the store', async () => {
    const unwanted = await garbage();
    const shared = await store.lock('shared');
    await discardBlobs(store, [unwanted.digest]);
    expect(await store.blobs.has(unwanted.digest)).toBe(true);
    shared[Symbol.dispose]();
  });
});
