import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.js';
import { openStore, type OpenStore } from '../../../src/store/open-store.js';
import { layerTar, putSampleImage, type SampleImage } from '../../support/sample-images.js';
import { expectSoundStore, storeViolations } from '../../support/store-oracle.js';

let root: string;
let store: OpenStore;
let sample: SampleImage;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'oracle-'));
  store = await openStore(root);
  sample = await putSampleImage(store, [{ tar: await layerTar({ a: 'content' }) }], 'x:1');
});
afterEach(() => {
  store[Symbol.dispose]();
  rmSync(root, { recursive: true });
});

const blobOf = (digest: string): string => join(root, 'blobs', digest.replace(':', '/'));
const layer = (): string => sample.layers[0]?.digest ?? '';
const snapshot = (name: string): string => join(root, 'snapshots/host/overlay', name);

describe('the oracle', () => {
  test('finds nothing in a sound store, with snapshots and records, nor in one that never came to be', async () => {
    const hex = 'a'.repeat(64);
    mkdirSync(join(snapshot(hex), 'fs'), { recursive: true });
    writeFileSync(
      join(snapshot(hex), 'meta.json'),
      JSON.stringify({ version: 2, boot: null, parent: null, owners: {} }),
    );
    const descriptor = sample.layers[0];
    await store.records.save('step', digestOf('key'), { layer: { descriptor } });
    await store.records.save('compressed', digestOf('key'), descriptor);
    await store.records.save('dockerfile', digestOf('key'), { any: 'thing' });
    expect(storeViolations(root)).toEqual([]);
    expect(storeViolations(join(root, 'nowhere'))).toEqual([]);
    store[Symbol.dispose]();
    expectSoundStore(root, { settled: true });
  });

  const damages: readonly (readonly [string, string, () => unknown])[] = [
    ['I1', 'other bytes under a name', () => writeFileSync(blobOf(layer()), 'other')],
    ['I1', 'a name that is no digest', () => writeFileSync(join(root, 'blobs/sha256/abc'), '')],
    ['I1', 'a link in a blob’s place', () => symlinkSync('/dev/null', join(root, 'blobs/sha256', 'f'.repeat(64)))],
    ['I2', 'a layer that is gone', () => unlinkSync(blobOf(layer()))],
    ['I2', 'a manifest that is gone', () => unlinkSync(blobOf(sample.image.descriptor.digest))],
    ['I2', 'an index that is none', () => writeFileSync(join(root, 'index.json'), '[]')],
    [
      'I2',
      'a record of nothing',
      () => store.records.save('compressed', digestOf('x'), { digest: digestOf('gone'), size: 4 }),
    ],
    ['I3', 'a snapshot without what it is', () => mkdirSync(snapshot('b'.repeat(64)), { recursive: true })],
    ['I3', 'a snapshot without a name', () => mkdirSync(snapshot('half'), { recursive: true })],
    ['I4', 'a folder for a record', () => mkdirSync(join(root, 'records/step/x.json'), { recursive: true })],
    [
      'I9',
      'a file that others write',
      () => {
        chmodSync(join(root, 'index.json'), 0o666);
      },
    ],
    ['I9', 'a link out of the store', () => symlinkSync('/tmp', join(root, 'records/elsewhere'))],
    ['I10', 'a version that is none', () => writeFileSync(join(root, 'version'), '')],
  ];
  test.each(damages)('finds by %s: %s', async (invariant, _what, damage) => {
    await damage();
    expect(storeViolations(root).map((violation) => violation.invariant)).toContain(invariant);
    expect(() => {
      expectSoundStore(root);
    }).toThrow(invariant);
  });

  test('finds by I7 what a dead process left, once the store should be settled', () => {
    mkdirSync(join(root, 'tmp/owned-x'));
    mkdirSync(join(root, 'tmp/partial'));
    expect(storeViolations(root)).toEqual([]);
    store[Symbol.dispose]();
    expect(storeViolations(root, { settled: true })).toEqual([expect.objectContaining({ path: 'tmp/owned-x' })]);
  });

  test('lets a power failure tear snapshots', () => {
    mkdirSync(snapshot('c'.repeat(64)), { recursive: true });
    expect(storeViolations(root, { torn: true })).toEqual([]);
  });
});
