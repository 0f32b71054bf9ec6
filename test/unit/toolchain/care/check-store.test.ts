import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.js';
import { openStore } from '../../../../src/store/open-store.js';
import type { Toolchain } from '../../../../src/toolchain/toolchain-types.js';
import { createToolchain } from '../../../../src/toolchain.js';
import { layerTar, putSampleImage, type SampleImage } from '../../../support/sample-images.js';
import { storeViolations } from '../../../support/store-oracle.js';

let root: string;
let tools: Toolchain;
let sample: SampleImage;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'check-'));
  using store = await openStore(root);
  sample = await putSampleImage(store, [{ tar: await layerTar({ a: 'content' }) }], 'x:1');
  await store.records.save('compressed', digestOf('key'), sample.layers[0]);
  tools = await createToolchain({ storeRoot: root, env: {} });
});
afterEach(async () => {
  await tools[Symbol.asyncDispose]();
  rmSync(root, { recursive: true });
});

const layer = (): string => sample.layers[0]?.digest ?? '';
const blobOf = (digest: string): string => join(root, 'blobs', digest.replace(':', '/'));
const record = (name: string): string => join(root, 'records/compressed', name);
const found = async (repair = false): Promise<readonly string[]> =>
  (await tools.checkStore({ repair })).map(({ invariant, path }) => `${invariant} ${path}`);

test('a sound store has nothing to find, and stays as it is', async () => {
  const listing = (): readonly string[] =>
    readdirSync(root, { recursive: true })
      .map(String)
      .filter((path) => !path.startsWith('locks'));
  const before = listing();
  expect(await tools.checkStore()).toEqual([]);
  expect(await tools.checkStore({ repair: true, quick: true })).toEqual([]);
  expect(listing()).toEqual(before);
});

describe('what the oracle finds, the check finds, and a repair leaves nothing of', () => {
  const damages: readonly (readonly [string, string, () => unknown])[] = [
    [
      'I1',
      'other bytes of the same length',
      () => {
        writeFileSync(blobOf(layer()), Buffer.alloc(sample.layers[0]?.size ?? 0));
      },
    ],
    [
      'I1',
      'a blob that is cut off',
      () => {
        writeFileSync(blobOf(layer()), 'cut');
      },
    ],
    [
      'I1',
      'a folder in a blob’s place',
      () => {
        mkdirSync(blobOf(digestOf('folder')));
      },
    ],
    [
      'I1',
      'a link in a blob’s place',
      () => {
        symlinkSync('/etc/passwd', blobOf(digestOf('link')));
      },
    ],
    [
      'I1',
      'a name that is no digest',
      () => {
        writeFileSync(join(root, 'blobs/sha256/notes.txt'), '');
      },
    ],
    [
      'I1',
      'an algorithm that is none',
      () => {
        mkdirSync(join(root, 'blobs/md5'));
      },
    ],
    [
      'I2',
      'a layer that is gone',
      () => {
        unlinkSync(blobOf(layer()));
      },
    ],
    [
      'I2',
      'a config that is gone',
      () => {
        unlinkSync(blobOf(sample.imageId));
      },
    ],
    [
      'I2',
      'an index that is none',
      () => {
        writeFileSync(join(root, 'index.json'), '{"manifests":');
      },
    ],
    [
      'I4',
      'a record that is none',
      () => {
        mkdirSync(record('folder.json'));
      },
    ],
    [
      'I9',
      'names that others may change',
      () => {
        chmodSync(join(root, 'index.json'), 0o622);
      },
    ],
    [
      'I9',
      'a link among the records',
      () => {
        symlinkSync('/tmp', join(root, 'records/elsewhere'));
      },
    ],
  ];
  test.each(damages)('%s: %s', async (invariant, _what, damage) => {
    damage();
    expect(storeViolations(root).map((violation) => violation.invariant)).toContain(invariant);
    expect((await found()).join('\n')).toContain(invariant);
    expect(storeViolations(root).map((violation) => violation.invariant)).toContain(invariant);
    const repaired = await tools.checkStore({ repair: true });
    expect(repaired.filter((finding) => !finding.repaired)).toEqual([]);
    expect(storeViolations(root)).toEqual([]);
    expect(await found()).toEqual([]);
  });
});

test('a damaged blob is put aside, and all that needs it goes with it: nothing else', async () => {
  using store = await openStore(root);
  const other = await putSampleImage(store, [{ tar: await layerTar({ b: 'other' }) }], 'x:2');
  writeFileSync(blobOf(layer()), 'other bytes');
  expect(await found(true)).toEqual([
    `I1 blobs/sha256/${layer().slice(7)}`,
    'I2 index.json',
    `I2 records/compressed/${digestOf('key').slice(7)}.json`,
  ]);
  expect(existsSync(join(root, 'corrupt', `blobs-sha256-${layer().slice(7)}`))).toBe(true);
  expect((await tools.images()).map(({ image }) => image.name?.tag)).toEqual(['2']);
  expect(existsSync(blobOf(sample.imageId))).toBe(true);
  expect(existsSync(blobOf(other.imageId))).toBe(true);
});

test('a quick check reads no blob, and sees what is missing', async () => {
  writeFileSync(blobOf(layer()), Buffer.alloc(sample.layers[0]?.size ?? 0));
  expect(await tools.checkStore({ quick: true })).toEqual([]);
  unlinkSync(blobOf(layer()));
  expect(await tools.checkStore({ quick: true })).toHaveLength(2);
});

test('a record that cannot be read is found, though it harms nobody', async () => {
  writeFileSync(record(`${'a'.repeat(64)}.json`), '{"digest":');
  expect(await found(true)).toEqual([`I4 records/compressed/${'a'.repeat(64)}.json`]);
  expect(await found()).toEqual([]);
});

test('what a dead process left in tmp/ is found and removed, what a living one has is not', async () => {
  mkdirSync(join(root, 'tmp/owned-dead'));
  writeFileSync(join(root, 'tmp/owned-dead/lock'), '');
  using store = await openStore(root);
  expect(existsSync(store.temporaryDirectory)).toBe(true);
  expect(await found(true)).toEqual(['I7 tmp/owned-dead']);
  expect(existsSync(store.temporaryDirectory)).toBe(true);
  expect(await found()).toEqual([]);
});

test('a folder of the store that is a link is for a person to look at', async () => {
  symlinkSync('/tmp', join(root, 'git'));
  const [finding, ...others] = await tools.checkStore({ repair: true });
  expect(finding).toMatchObject({ invariant: 'I9', path: 'git', repaired: false });
  expect(finding?.remedy).toBeUndefined();
  expect(others).toEqual([]);
});

test('reading stops when it is cancelled', async () => {
  await expect(tools.checkStore({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
});
