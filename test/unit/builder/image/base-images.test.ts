import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BaseImages } from '../../../../src/builder/image/base-images.js';
import { openStore, type OpenStore } from '../../../../src/store/open-store.js';
import { putSampleImage, putUnpairedImage } from '../../../support/sample-images.js';

let place: string;
let store: OpenStore;

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-bases-'));
  store = await openStore(place);
});
afterAll(() => {
  store[Symbol.dispose]();
  rmSync(place, { recursive: true, force: true });
});

const bases = (): BaseImages =>
  new BaseImages({
    store,
    registry: () => Promise.reject(new Error('a registry was asked')),
    pull: 'never',
    progress: () => undefined,
    signal: new AbortController().signal,
    now: () => 0,
  });
const platform = { os: 'linux', architecture: 'amd64' };
const source = { file: 'Dockerfile', start: { line: 3, column: 1 }, end: { line: 3, column: 9 } };

test('an image of the store is found without a registry', async () => {
  const { image } = await putSampleImage(store, [{ tar: Buffer.alloc(1024) }], 'whole:1');
  expect(await bases().resolve('whole:1', platform, source)).toMatchObject({
    reference: 'docker.io/library/whole:1',
    manifest: image.descriptor.digest,
  });
});

test('an image of the store whose config names other layers than its manifest is refused, with the FROM line', async () => {
  await putUnpairedImage(store, 'unpaired:1');
  await expect(bases().resolve('unpaired:1', platform, source)).rejects.toMatchObject({
    code: 'DOCUMENT_INVALID',
    details: { path: 'rootfs.diff_ids' },
    source,
  });
});
