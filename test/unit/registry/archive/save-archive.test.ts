import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.js';
import { loadArchive } from '../../../../src/registry/archive/read/load-archive.js';
import { saveArchive, type SaveOptions } from '../../../../src/registry/archive/write/save-archive.js';
import { openStore, type OpenStore } from '../../../../src/store/open-store.js';
import { extractArchive } from '../../../../src/layers/tar/archive.js';
import { collectBytes, streamOf } from '../../../support/byte-source.js';
import { layerTar, putSampleImage, type SampleImage } from '../../../support/sample-images.js';

let root: string;
let store: OpenStore;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'save-archive-'));
  store = await openStore(root);
});
afterEach(() => {
  store[Symbol.dispose]();
  rmSync(root, { recursive: true });
});

const NAME = 'docker.io/library/x:1';

async function save(
  images: readonly (readonly [SampleImage, ...string[]])[],
  options: Partial<SaveOptions> = {},
): Promise<Buffer> {
  const list = images.map(([{ image }, ...names]) => ({ image, names }));
  return await collectBytes(saveArchive({ images: list, store, ...options }));
}

async function membersOf(archive: Uint8Array): Promise<ReadonlyMap<string, Buffer>> {
  const members = new Map<string, Buffer>();
  for await (const { name, body } of extractArchive(streamOf([archive]))) {
    expect(members.has(name)).toBe(false);
    members.set(name, await collectBytes(body));
  }
  return members;
}

const documentIn = (members: ReadonlyMap<string, Buffer>, name: string): unknown =>
  JSON.parse(String(members.get(name)));

test('saveArchive() writes an OCI layout and what Docker reads, sorted', async () => {
  const sample = await putSampleImage(store, [{ tar: await layerTar({ a: 'b' }), compression: 'gzip' }], 'x:1');
  const members = await membersOf(await save([[sample, NAME, 'a.example/y:2']]));
  const blob = (digest: string): string => `blobs/sha256/${digest.slice(7)}`;
  const [layer] = sample.layers;
  const { digest, size } = sample.image.descriptor;
  expect([...members.keys()]).toEqual([
    'blobs/',
    'blobs/sha256/',
    ...[digest, sample.imageId, layer?.digest ?? ''].map(blob).toSorted(),
    'index.json',
    'manifest.json',
    'oci-layout',
    'repositories',
  ]);
  expect(documentIn(members, 'oci-layout')).toEqual({ imageLayoutVersion: '1.0.0' });
  expect(documentIn(members, 'manifest.json')).toEqual([
    { Config: blob(sample.imageId), RepoTags: [NAME, 'a.example/y:2'], Layers: [blob(layer?.digest ?? '')] },
  ]);
  const entry = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest,
    size,
    platform: { os: 'linux', architecture: 'amd64' },
  };
  expect(documentIn(members, 'index.json')).toMatchObject({
    manifests: [
      { ...entry, annotations: { 'io.containerd.image.name': NAME, 'org.opencontainers.image.ref.name': '1' } },
      {
        ...entry,
        annotations: { 'io.containerd.image.name': 'a.example/y:2', 'org.opencontainers.image.ref.name': '2' },
      },
    ],
  });
  const top = layer?.digest.slice(7);
  expect(documentIn(members, 'repositories')).toEqual({
    'docker.io/library/x': { '1': top },
    'a.example/y': { '2': top },
  });
  for (const [name, bytes] of members) {
    if (/^blobs\/sha256\/./.test(name)) expect(blob(digestOf(bytes))).toBe(name);
  }
});

test('saveArchive() gives the same bytes each time, whatever the store they come from', async () => {
  const layers = [{ tar: await layerTar({ a: Buffer.alloc(3_000_000, 'a') }) }, { tar: await layerTar({ b: '' }) }];
  const sample = await putSampleImage(store, layers, 'x:1');
  const first = await save([[sample, NAME]]);
  const otherRoot = mkdtempSync(join(tmpdir(), 'save-archive-other-'));
  const other = await openStore(otherRoot);
  try {
    const [loaded] = await loadArchive({ source: streamOf([first]), store: other });
    expect(loaded?.image).toEqual(sample.image);
    const again = saveArchive({ images: [{ image: loaded?.image ?? sample.image, names: [NAME] }], store: other });
    expect((await collectBytes(again)).equals(first)).toBe(true);
    expect(readFileSync(join(otherRoot, 'index.json'), 'utf8')).toBe(readFileSync(join(root, 'index.json'), 'utf8'));
  } finally {
    other[Symbol.dispose]();
    rmSync(otherRoot, { recursive: true });
  }
});

test('saveArchive() writes what images share once, also a layer that one has twice', async () => {
  const shared = { tar: await layerTar({ shared: 'x' }) };
  const first = await putSampleImage(store, [shared, shared], 'x:1');
  const second = await putSampleImage(store, [shared], 'x:2');
  const members = await membersOf(await save([[first, NAME], [second]]));
  expect([...members.keys()].filter((name) => /^blobs\/sha256\/./.test(name))).toHaveLength(5);
  expect(documentIn(members, 'manifest.json')).toMatchObject([{ RepoTags: [NAME] }, { RepoTags: null }]);
  const loaded = await loadArchive({ source: streamOf([await save([[first, NAME], [second]])]), store });
  expect(loaded.map(({ name, imageId }) => [name?.tag, imageId])).toEqual([
    ['1', first.imageId],
    [undefined, second.imageId],
  ]);
});

test('saveArchive() gives zstd layers to Docker as plain tar, under the same image id, and leaves none in the store', async () => {
  const tar = await layerTar({ a: Buffer.alloc(500_000, 'z') });
  const sample = await putSampleImage(store, [{ tar, compression: 'zstd' }, { tar: await layerTar({ b: '' }) }], 'x:1');
  const before = readdirSync(join(root, 'blobs/sha256'));
  const archive = await save([[sample, NAME]]);
  const [item] = documentIn(await membersOf(archive), 'manifest.json') as { Config: string; Layers: string[] }[];
  expect(item?.Config).toBe(`blobs/sha256/${sample.imageId.slice(7)}`);
  expect((await membersOf(archive)).get(item?.Layers[0] ?? '')?.equals(tar)).toBe(true);
  expect(readdirSync(join(root, 'blobs/sha256'))).toEqual(before);
  expect((await save([[sample, NAME]])).equals(archive)).toBe(true);
});

test('saveArchive() writes nothing at all when a layer is missing', async () => {
  const sample = await putSampleImage(store, [{ tar: await layerTar({ a: 'b' }) }], 'x:1');
  await store.blobs.delete(sample.layers[0]?.digest ?? sample.imageId);
  const archive = saveArchive({ images: [{ image: sample.image, names: [NAME] }], store });
  await expect(archive.next()).rejects.toMatchObject({ code: 'STORE_IO', details: { state: 'missing' } });
});

test('saveArchive() counts bytes, stops when cancelled, and frees the store when its reader stops', async () => {
  const sample = await putSampleImage(store, [{ tar: await layerTar({ a: Buffer.alloc(5_000_000, 'a') }) }], 'x:1');
  let counted = 0;
  const cancel = new AbortController();
  const onBytes = (count: number): void => {
    counted += count;
  };
  await save([[sample, NAME]], { onBytes });
  const config = (await store.images.manifest(sample.image.descriptor)).value.config.size;
  expect(counted).toBe((sample.layers[0]?.size ?? 0) + config);
  const reading = save([[sample, NAME]], { signal: cancel.signal, onBytes: () => cancel.abort() });
  await expect(reading).rejects.toMatchObject({ code: 'ABORTED' });
  for await (const chunk of saveArchive({ images: [{ image: sample.image, names: [NAME] }], store })) {
    expect(chunk.byteLength).toBeGreaterThan(0);
    break;
  }
  (await store.lock('exclusive', { signal: AbortSignal.timeout(1000) }))[Symbol.dispose]();
});
