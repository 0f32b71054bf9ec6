import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compressGzip } from '../../../../src/layers/compression/gzip.js';
import { compressZstd } from '../../../../src/layers/compression/zstd.js';
import { extractArchive } from '../../../../src/layers/tar/archive.js';
import { digestOf, type Digest } from '../../../../src/oci/digest.js';
import { parsePlatform } from '../../../../src/oci/platform.js';
import { listArchive } from '../../../../src/registry/archive/read/list-archive.js';
import { loadArchive } from '../../../../src/registry/archive/read/load-archive.js';
import { saveArchive, type SaveOptions } from '../../../../src/registry/archive/write/save-archive.js';
import type { StoredImage } from '../../../../src/store/image-store.js';
import { openStore, type OpenStore } from '../../../../src/store/open-store.js';
import { collectBytes, streamOf } from '../../../support/byte-source.js';
import { ingestBytes, layerTar, putSampleImage, tagged, type SampleImage } from '../../../support/sample-images.js';

const NAME = 'docker.io/library/x:1';
const BASE = 'docker.io/library/base:1';

let folder: string;
let store: OpenStore;
let other: OpenStore;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'save-options-'));
  store = await openStore(join(folder, 'store'));
  other = await openStore(join(folder, 'other'));
});
afterEach(() => {
  store[Symbol.dispose]();
  other[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

async function save(image: StoredImage, options: Partial<SaveOptions> = {}): Promise<Buffer> {
  return await collectBytes(saveArchive({ images: [{ image, names: [NAME] }], store, ...options }));
}

async function membersOf(archive: Uint8Array): Promise<ReadonlyMap<string, Buffer>> {
  const members = new Map<string, Buffer>();
  for await (const { name, body } of extractArchive(streamOf([archive]))) members.set(name, await collectBytes(body));
  return members;
}

const blobsIn = (members: ReadonlyMap<string, Buffer>): readonly string[] =>
  [...members.keys()].filter((name) => /^blobs\/sha256\/./.test(name)).map((name) => `sha256:${name.slice(13)}`);

async function load(archive: Uint8Array, into: OpenStore = other): ReturnType<typeof loadArchive> {
  return await loadArchive({ source: streamOf([archive]), store: into });
}

const compressLayer: SaveOptions['compressLayer'] = async (layer, compression) => {
  const compress = compression === 'gzip' ? compressGzip : compressZstd;
  const { digest, size } = await store.blobs.ingest(compress(await store.blobs.open(layer)));
  return { mediaType: layer.mediaType, digest, size };
};

const MAGIC = { none: '61', gzip: '1f', zstd: '28' } as const;

describe('saveArchive() with another form of layers', () => {
  test.each(['none', 'gzip', 'zstd'] as const)(
    '%s keeps the image id, and leaves no converted layer behind',
    async (compress) => {
      const tar = await layerTar({ a: Buffer.alloc(400_000, 'a') });
      const second = await layerTar({ b: 'b' });
      const sample = await putSampleImage(store, [{ tar, compression: 'gzip' }, { tar: second }], 'x:1');
      const before = readdirSync(join(store.root, 'blobs/sha256'));
      const archive = await save(sample.image, { compress, compressLayer });
      const [item] = JSON.parse(String((await membersOf(archive)).get('manifest.json'))) as { Layers: string[] }[];
      const layers = await Promise.all((item?.Layers ?? []).map(async (name) => (await membersOf(archive)).get(name)));
      const magic = layers.map((bytes) => bytes?.subarray(0, 1).toString('hex'));
      expect(magic).toEqual(compress === 'none' ? ['61', '62'] : [MAGIC[compress], MAGIC[compress]]);
      expect(await load(archive)).toMatchObject([{ imageId: sample.imageId }]);
      expect((await save(sample.image, { compress, compressLayer })).equals(archive)).toBe(true);
      if (compress === 'none') expect(readdirSync(join(store.root, 'blobs/sha256'))).toEqual(before);
    },
  );
});

describe('saveArchive() as an OCI archive', () => {
  test('has no documents of Docker’s, nor its media types', async () => {
    const sample = await dockerImage();
    const members = await membersOf(await save(sample.image, { format: 'oci-archive' }));
    expect([...members.keys()].filter((name) => !name.startsWith('blobs/'))).toEqual(['index.json', 'oci-layout']);
    expect([...members.values()].map(String).join('')).not.toContain('vnd.docker');
    expect(await load(await save(sample.image, { format: 'oci-archive' }))).toMatchObject([
      { imageId: sample.imageId },
    ]);
  });

  test('a docker-archive keeps the manifest as a registry had it', async () => {
    const sample = await dockerImage();
    expect(await load(await save(sample.image))).toMatchObject([{ image: { descriptor: sample.image.descriptor } }]);
  });
});

describe('saveArchive() without what the receiver has', () => {
  let base: SampleImage;
  let derived: SampleImage;
  let digests: ReadonlySet<Digest>;
  beforeEach(async () => {
    const layer = { tar: await layerTar({ base: Buffer.alloc(500_000, 'b') }), compression: 'gzip' as const };
    base = await putSampleImage(store, [layer], 'base:1');
    derived = await putSampleImage(store, [layer, { tar: await layerTar({ own: 'o' }) }], 'x:1');
    const archive = await collectBytes(saveArchive({ images: [{ image: base.image, names: [BASE] }], store }));
    const had = await listArchive(streamOf([archive]));
    expect(had.names).toEqual([BASE]);
    digests = had.digests;
    await load(archive, other);
  });
  const saveDerived = async (): Promise<Buffer> => await save(derived.image, { since: { digests, names: [BASE] } });

  test('leaves out its layers, and load completes the image from the store', async () => {
    const archive = await saveDerived();
    const [shared, own] = derived.layers;
    expect(blobsIn(await membersOf(archive))).not.toContain(shared?.digest);
    expect(blobsIn(await membersOf(archive))).toContain(own?.digest);
    expect(await load(archive)).toMatchObject([{ image: derived.image, imageId: derived.imageId }]);
    expect((await saveDerived()).equals(archive)).toBe(true);
  });

  test('load says by digest and by name what is missing, and adds nothing', async () => {
    const empty = await openStore(join(folder, 'empty'));
    try {
      await expect(load(await saveDerived(), empty)).rejects.toMatchObject({
        code: 'ARCHIVE_INVALID',
        message: expect.stringContaining(derived.layers[0]?.digest ?? '?') as string,
        hint: expect.stringContaining(BASE) as string,
      });
      expect(readdirSync(join(empty.root, 'blobs/sha256'))).toEqual([]);
      expect(await empty.images.list()).toEqual([]);
    } finally {
      empty[Symbol.dispose]();
    }
  });

  test('load makes a plain layer of a compressed one that the store has', async () => {
    const archive = await save(derived.image, { compress: 'none', since: { digests, names: [BASE] } });
    expect(blobsIn(await membersOf(archive))).toHaveLength(3);
    expect(await load(archive)).toMatchObject([{ imageId: derived.imageId }]);
  });

  test('load refuses a layer of the store that is not what the config says', async () => {
    const [first] = base.layers;
    const lying = await putSampleImage(
      store,
      [{ tar: await layerTar({ base: Buffer.alloc(500_000, 'b') }), compression: 'gzip', diffId: digestOf('a lie') }],
      'x:2',
    );
    expect(lying.layers[0]).toEqual(first);
    const archive = await save(lying.image, { since: { digests, names: [BASE] } });
    await expect(load(archive)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });
});

describe('images for several platforms', () => {
  test('are saved and loaded whole, and one by one', async () => {
    const image = await multiPlatformImage();
    const archive = await save(image);
    const [loaded, ...more] = await load(archive);
    expect(more).toEqual([]);
    expect(loaded?.image).toEqual(image);
    expect(await other.images.list()).toEqual([image]);
    const again = saveArchive({ images: [{ image, names: [NAME] }], store: other });
    expect((await collectBytes(again)).equals(archive)).toBe(true);
    const arm = await save(image, { platforms: [parsePlatform('linux/arm64')] });
    expect(blobsIn(await membersOf(arm))).toHaveLength(3);
    const foreign = await loadArchive({ source: streamOf([archive]), store: other, platform: parsePlatform('arm64') });
    const config = await other.images.config(
      await other.images.manifest(foreign[0]?.image.descriptor ?? image.descriptor),
    );
    expect(config.value.architecture).toBe('arm64');
  });

  test('what they are not for is refused by name', async () => {
    const image = await multiPlatformImage();
    const riscv = [parsePlatform('linux/riscv64')];
    await expect(save(image, { platforms: riscv })).rejects.toMatchObject({ code: 'PLATFORM_NOT_FOUND' });
    const sample = await putSampleImage(store, [{ tar: await layerTar({ a: '' }) }], 'x:3');
    await expect(save(sample.image, { platforms: riscv })).rejects.toMatchObject({ code: 'PLATFORM_NOT_FOUND' });
    const archive = await save(sample.image);
    const loading = loadArchive({ source: streamOf([archive]), store: other, platform: riscv[0] });
    await expect(loading).rejects.toMatchObject({ code: 'PLATFORM_NOT_FOUND' });
    expect(await other.images.list()).toEqual([]);
  });
});

async function document(
  value: unknown,
  mediaType: string,
): Promise<{ mediaType: string; digest: Digest; size: number }> {
  return { mediaType, ...(await ingestBytes(store.blobs, Buffer.from(JSON.stringify(value)))) };
}

async function dockerImage(): Promise<SampleImage> {
  const tar = await layerTar({ a: 'b' });
  const layer = await ingestBytes(store.blobs, gzipSync(tar));
  const config = await document(
    { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [digestOf(tar)] } },
    'application/vnd.docker.container.image.v1+json',
  );
  const mediaType = 'application/vnd.docker.distribution.manifest.v2+json' as const;
  const layers = [{ mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip', ...layer }];
  const { digest, size } = await document({ schemaVersion: 2, mediaType, config, layers }, mediaType);
  const image = { name: tagged('x:1'), descriptor: { mediaType, digest, size } };
  await store.images.put(image);
  return { image, imageId: config.digest, layers: [layer] };
}

async function multiPlatformImage(): Promise<StoredImage> {
  const manifests = [];
  const mediaType = 'application/vnd.oci.image.manifest.v1+json' as const;
  for (const architecture of ['amd64', 'arm64']) {
    const tar = await layerTar({ arch: architecture });
    const config = await document(
      { os: 'linux', architecture, rootfs: { type: 'layers', diff_ids: [digestOf(tar)] } },
      'application/vnd.oci.image.config.v1+json',
    );
    const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', ...(await ingestBytes(store.blobs, tar)) };
    const manifest = await document({ schemaVersion: 2, mediaType, config, layers: [layer] }, mediaType);
    manifests.push({ ...manifest, platform: { os: 'linux', architecture } });
  }
  const indexType = 'application/vnd.oci.image.index.v1+json' as const;
  const attestation = await document(
    {
      schemaVersion: 2,
      mediaType,
      config: await document({ rootfs: { type: 'layers', diff_ids: [] } }, 'application/vnd.oci.image.config.v1+json'),
      layers: [await document({ predicate: {} }, 'application/vnd.in-toto+json')],
    },
    mediaType,
  );
  const unknown = { ...attestation, platform: { os: 'unknown', architecture: 'unknown' } };
  const index = await document(
    { schemaVersion: 2, mediaType: indexType, manifests: [...manifests, unknown] },
    indexType,
  );
  const host = manifests.find(
    ({ platform }) => platform.architecture === (process.arch === 'arm64' ? 'arm64' : 'amd64'),
  );
  const { digest, size } = host ?? attestation;
  const image: StoredImage = {
    name: tagged('x:1'),
    descriptor: { mediaType, digest, size },
    resolved: index.digest,
    index: { mediaType: indexType, digest: index.digest, size: index.size },
  };
  await store.images.put(image);
  return image;
}
