import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf, type Digest } from '../../../../src/oci/digest.js';
import { checkFiles } from '../../../../src/store/check/check-files.js';
import { checkLayerIndexes } from '../../../../src/store/check/check-layer-indexes.js';
import { collectGarbage } from '../../../../src/store/garbage/collect.js';
import { layout } from '../../../../src/store/layout.js';
import { openStore, type OpenStore } from '../../../../src/store/open-store.js';
import { ingestBytes, layerTar, putSampleImage } from '../../../support/sample-images.js';
import { storeViolations } from '../../../support/store-oracle.js';

let root: string;
let store: OpenStore;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'indexes-'));
  store = await openStore(root);
});
afterEach(() => {
  store[Symbol.dispose]();
  rmSync(root, { recursive: true });
});

const diffId = digestOf('content');
const blob = digestOf('blob');
const save = async (of: Digest = diffId, from: Digest = blob): Promise<void> =>
  store.layerIndexes.save(of, { bytes: Buffer.from('index\nof a layer'), blob: from });
const file = (): string => join(root, 'layer-indexes', readdirSync(join(root, 'layer-indexes'))[0] ?? '');

describe('LayerIndexes', () => {
  test('gives back what was saved, by diffId', async () => {
    expect(store.layerIndexes.has(diffId)).toBe(false);
    expect(store.layerIndexes.load(diffId)).toBeUndefined();
    expect(store.layerIndexes.list()).toEqual([]);
    await save();
    expect(store.layerIndexes.has(diffId)).toBe(true);
    expect(store.layerIndexes.load(diffId)?.toString()).toBe('index\nof a layer');
    expect(store.layerIndexes.list()).toMatchObject([{ diffId, blob }]);
    await store.layerIndexes.delete(diffId);
    await store.layerIndexes.delete(diffId);
    expect(store.layerIndexes.has(diffId)).toBe(false);
  });

  test('takes one that is damaged anywhere, or cut off, for absent; a check tells and removes it', async () => {
    await save();
    const sound = readFileSync(file());
    for (let at = 0; at <= sound.length; at += 9) {
      const damaged = Buffer.from(at === sound.length ? sound.subarray(0, -1) : sound);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      writeFileSync(file(), damaged);
      expect(store.layerIndexes.load(diffId)).toBeUndefined();
    }
    const findings = await checkLayerIndexes(root);
    expect(findings).toMatchObject([{ invariant: 'I4', state: 'its checksum is wrong' }]);
    await findings[0]?.repair?.();
    expect(await checkLayerIndexes(root)).toEqual([]);
    expect(store.layerIndexes.has(diffId)).toBe(false);
  });

  test('tells of a blob that is the tar itself whether it is as it was when it was read', async () => {
    const { digest } = await ingestBytes(store.blobs, Buffer.from('a tar'));
    const saved = { bytes: Buffer.from('index'), blob: digest };
    expect(store.layerIndexes.isUntouched(digest)).toBe(false);
    await store.layerIndexes.save(digest, saved);
    expect(store.layerIndexes.isUntouched(digest)).toBe(false);
    await store.layerIndexes.save(digest, { ...saved, isFileRead: true });
    expect(store.layerIndexes.isUntouched(digest)).toBe(true);
    expect(store.layerIndexes.load(digest)?.toString()).toBe('index');
    expect(store.layerIndexes.list()).toMatchObject([{ diffId: digest, blob: digest }]);
    expect(await checkLayerIndexes(root)).toEqual([]);
    await store.layerIndexes.save(diffId, { ...saved, isFileRead: true });
    expect(store.layerIndexes.isUntouched(diffId)).toBe(false);
    writeFileSync(layout.blob(root, digest), 'another');
    expect(store.layerIndexes.isUntouched(digest)).toBe(false);
    rmSync(layout.blob(root, digest));
    expect(store.layerIndexes.isUntouched(digest)).toBe(false);
  });

  test('follows no link, and waits for no pipe', async () => {
    const { symlinkSync, mkdirSync } = await import('node:fs');
    mkdirSync(join(root, 'layer-indexes'));
    symlinkSync('/etc/passwd', join(root, 'layer-indexes', diffId.replace(':', '-')));
    expect(store.layerIndexes.load(diffId)).toBeUndefined();
    expect(store.layerIndexes.list()).toEqual([]);
    expect(await checkLayerIndexes(root)).toMatchObject([{ state: 'it is no index of a layer' }]);
  });

  test('is part of what no one else may write to', async () => {
    await save();
    chmodSync(file(), 0o666);
    expect(await checkFiles(root)).toMatchObject([{ invariant: 'I9', state: 'others may write to it' }]);
  });

  test('leaves a sound store', async () => {
    await save();
    expect(storeViolations(root)).toEqual([]);
  });
});

describe('collectGarbage()', () => {
  test('removes the indexes of layers that go or have gone, and keeps the others', async () => {
    const { layers } = await putSampleImage(store, [{ tar: await layerTar({ a: 'content' }) }], 'x:1');
    const kept = layers[0]?.digest ?? blob;
    const unwanted = await ingestBytes(store.blobs, Buffer.from('garbage'));
    await save(kept, kept);
    await save(unwanted.digest, unwanted.digest);
    await save();
    const collect = { store, keepRecord: () => [] };
    const gone = [unwanted.digest, diffId].sort();
    const dry = await collectGarbage({ ...collect, dryRun: true });
    expect(dry.indexes.map((index) => index.diffId).sort()).toEqual(gone);
    expect(store.layerIndexes.list()).toHaveLength(3);
    expect((await collectGarbage(collect)).indexes.map((index) => index.diffId).sort()).toEqual(gone);
    expect(store.layerIndexes.list()).toMatchObject([{ diffId: kept }]);
  });
});
