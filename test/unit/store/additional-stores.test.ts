import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { familiarName, parseReference } from '../../../src/oci/reference.js';
import { openStore, type OpenStore } from '../../../src/store/open-store.js';
import type { Toolchain } from '../../../src/toolchain/toolchain-types.js';
import { createToolchain } from '../../../src/toolchain.js';
import { ingestBytes, layerTar, putSampleImage, type SampleImage } from '../../support/sample-images.js';

let top: string;
let shared: OpenStore;
let sample: SampleImage;
let own: OpenStore;
let warnings: string[];
beforeEach(async () => {
  top = mkdtempSync(join(tmpdir(), 'additional-'));
  shared = await openStore(join(top, 'shared'));
  sample = await putSampleImage(shared, [{ tar: await layerTar({ a: 'content' }) }], 'base:1');
  warnings = [];
  own = await openSharing();
});
afterEach(() => {
  own[Symbol.dispose]();
  shared[Symbol.dispose]();
  rmSync(top, { recursive: true });
});

const openSharing = async (roots = [join(top, 'shared')]): Promise<OpenStore> =>
  await openStore(join(top, 'own'), { additional: roots, onWarning: (message) => warnings.push(message) });
const layer = () => sample.layers[0] ?? { digest: sample.imageId, size: 0 };
const pathOf = (digest: string): string => join(top, 'shared/blobs', digest.replace(':', '/'));
const names = async (store: OpenStore): Promise<readonly string[]> =>
  (await store.images.list()).flatMap(({ name }) => (name === null ? [] : [familiarName(name)]));
/** All that is there, and when it was changed last. */
const stateOf = (directory: string): readonly string[] =>
  readdirSync(directory, { recursive: true })
    .map((path) => `${String(path)} ${statSync(join(directory, String(path))).mtimeMs}`)
    .sort();

describe('a store below ours', () => {
  test('serves images and blobs, which are checked, and is never written to', async () => {
    const before = stateOf(join(top, 'shared'));
    const found = await own.images.find(parseReference('base:1'));
    expect(found?.descriptor).toEqual(sample.image.descriptor);
    expect((await own.images.config(await own.images.manifest(sample.image.descriptor))).descriptor.digest).toBe(
      sample.imageId,
    );
    expect(await own.blobs.has(layer().digest)).toBe(true);
    expect((await buffer(await own.blobs.open(layer()))).length).toBe(layer().size);
    expect(readdirSync(join(top, 'own/blobs/sha256'))).toEqual([]);
    expect(stateOf(join(top, 'shared'))).toEqual(before);
    expect(warnings).toEqual([]);
  });

  test('spares fetching: what it has is neither read from its source nor stored again', async () => {
    const never = (): never => {
      throw new Error('fetched');
    };
    expect(await own.blobs.resume(layer(), never)).toEqual(layer());
    const source = Readable.from([Buffer.from('whatever comes')]);
    expect(await own.blobs.ingest(source, { expect: layer() })).toEqual(layer());
    expect(readdirSync(join(top, 'own/blobs/sha256'))).toEqual([]);
  });

  test('comes after ours: names of ours hide its own', async () => {
    const mine = await putSampleImage(own, [{ tar: await layerTar({ b: 'mine' }) }], 'base:1');
    expect((await own.images.find(parseReference('base:1')))?.descriptor).toEqual(mine.image.descriptor);
    await putSampleImage(shared, [{ tar: await layerTar({ c: 'more' }) }], 'other:1');
    expect(await names(own)).toEqual(['base:1', 'other:1']);
  });

  test('loses nothing to us: its images cannot be removed, and prune leaves them', async () => {
    await expect(own.images.remove(sample.image)).rejects.toMatchObject({ code: 'USAGE' });
    await using tools: Toolchain = await createToolchain({
      storeRoot: join(top, 'own'),
      additionalStores: [join(top, 'shared')],
      env: {},
    });
    await ingestBytes(own.blobs, Buffer.from('unneeded'));
    expect((await tools.prune({ all: true })).blobs.count).toBe(1);
    expect(await tools.checkStore()).toEqual([]);
    expect((await tools.images()).map(({ names: all }) => all)).toEqual([['base:1']]);
    expect(await shared.blobs.has(layer().digest)).toBe(true);
  });

  test('an image of ours may stand on its layers', async () => {
    await own.images.put({ ...sample.image, name: { registry: 'docker.io', repository: 'library/mine', tag: '1' } });
    await using tools = await createToolchain({
      storeRoot: join(top, 'own'),
      additionalStores: [join(top, 'shared')],
      env: {},
    });
    expect(await tools.checkStore()).toEqual([]);
    await using alone = await createToolchain({ storeRoot: join(top, 'own'), env: {} });
    expect(await alone.checkStore()).toMatchObject([{ invariant: 'I2', repaired: false }]);
  });
});

describe('what is wrong with one is passed over, with a warning', () => {
  test('a damaged blob: it is fetched as if it were missing, in later processes too', async () => {
    writeFileSync(pathOf(layer().digest), Buffer.alloc(layer().size));
    expect(await own.blobs.has(layer().digest)).toBe(false);
    expect(warnings).toEqual([expect.stringContaining('is damaged')]);
    const later = await openSharing();
    expect(await later.blobs.has(layer().digest)).toBe(false);
    const content = await layerTar({ a: 'content' });
    await later.blobs.ingest(Readable.from([content]), { expect: layer() });
    expect((await buffer(await later.blobs.open(layer()))).equals(content)).toBe(true);
    later[Symbol.dispose]();
  });

  test('a blob that was damaged and is replaced serves again', async () => {
    writeFileSync(pathOf(layer().digest), 'short');
    expect(await own.blobs.has(layer().digest)).toBe(false);
    writeFileSync(pathOf(layer().digest), await layerTar({ a: 'content' }));
    expect(await own.blobs.has(layer().digest)).toBe(true);
  });

  test('a blob that changes after it was checked ends in an error', async () => {
    expect(await own.blobs.has(layer().digest)).toBe(true);
    const stream = await own.blobs.open(layer());
    writeFileSync(pathOf(layer().digest), Buffer.alloc(layer().size));
    await expect(buffer(stream)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  const damages: readonly (readonly [string, (root: string) => void])[] = [
    [
      'a folder that is not there',
      (root) => {
        rmSync(root, { recursive: true });
      },
    ],
    [
      'a folder that is no store',
      (root) => {
        rmSync(join(root, 'version'));
      },
    ],
    [
      'a newer one',
      (root) => {
        writeFileSync(join(root, 'version'), '99\n');
      },
    ],
    [
      'one with damaged names',
      (root) => {
        writeFileSync(join(root, 'index.json'), '{');
      },
    ],
  ];
  test.each(damages)('%s', async (_what, damage) => {
    const root = join(top, 'damaged');
    (await openStore(root))[Symbol.dispose]();
    damage(root);
    const store = await openSharing([root, join(top, 'shared')]);
    expect(warnings).toEqual([expect.stringContaining(`passing over the additional store "${root}"`)]);
    expect(await names(store)).toEqual(['base:1']);
    store[Symbol.dispose]();
  });
});

test('a store in a folder that others may read is theirs to read: names and blobs, and not to write', async () => {
  const root = join(top, 'public');
  mkdirSync(root);
  chmodSync(root, 0o755);
  using store = await openStore(root);
  const { imageId } = await putSampleImage(store, [{ tar: await layerTar({ a: '' }) }], 'x:1');
  const mode = (path: string): string => (statSync(join(root, path)).mode & 0o777).toString(8);
  expect(['blobs', 'blobs/sha256', 'records', 'tmp'].map(mode)).toEqual(['755', '755', '700', '700']);
  const files = ['version', 'oci-layout', 'index.json', `blobs/${imageId.replace(':', '/')}`];
  expect(files.map(mode)).toEqual(files.map(() => '644'));
  expect((statSync(join(top, 'own/index.json')).mode & 0o777).toString(8)).toBe('600');
});
