import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LayerCompressor } from '../../../src/toolchain/transfer/compress-layer.js';
import { digestOf } from '../../../src/oci/digest.js';
import { MEDIA_TYPE } from '../../../src/oci/media-type.js';
import { parsePlatform } from '../../../src/oci/platform.js';
import { parseReference } from '../../../src/oci/reference.js';
import { pullImage } from '../../../src/registry/pull-image.js';
import { pushImage, type PushOptions } from '../../../src/registry/push-image.js';
import type { StoredImage } from '../../../src/store/image-store.js';
import { openStore, type OpenStore } from '../../../src/store/open-store.js';
import { startScriptedRegistry, type ScriptedRegistry } from '../../../src/testing/scripted-registry.js';
import { layerTar, putSampleImage, type SampleLayer } from '../../support/sample-images.js';
import { testClient, type TestClient } from '../../support/registry/test-client.js';
import { forPlatform, SampleRepository } from './sample-registry.js';

let registry: ScriptedRegistry;
let tested: TestClient;
let root: string;
let store: OpenStore;
beforeEach(async () => {
  registry = await startScriptedRegistry();
  tested = testClient();
  root = await mkdtemp(join(tmpdir(), 'push-image-'));
  store = await openStore(root);
});
afterEach(async () => {
  store[Symbol.dispose]();
  await tested[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

interface Manifest {
  readonly mediaType: string;
  readonly config: { readonly mediaType: string; readonly digest: string };
  readonly layers: readonly { readonly mediaType: string; readonly digest: string; readonly size: number }[];
}

async function push(
  image: StoredImage,
  options: Partial<PushOptions> & { readonly name?: string; readonly level?: number } = {},
) {
  const { name = 'app:1', level, ...rest } = options;
  const compressor = new LayerCompressor(store, { signal: new AbortController().signal, level });
  return await pushImage({
    image,
    target: parseReference(`${registry.host}/${name}`),
    client: tested.client,
    store,
    compressLayer: (layer, compression, signal) => compressor.compress(layer, compression, signal),
    ...rest,
  });
}

const manifestAt = (name: string): Manifest =>
  JSON.parse(registry.content.manifests.get(name)?.bytes.toString() ?? 'null') as Manifest;
const uploads = (): readonly string[] =>
  registry.seen.filter(({ method, path }) => method === 'PUT' && path.includes('/uploads/')).map(({ path }) => path);

const sample = async (compression: SampleLayer['compression'], text = 'content') =>
  await putSampleImage(
    store,
    [{ tar: await layerTar({ a: text }), ...(compression === undefined ? {} : { compression }) }],
    `${registry.host}/app:1`,
  );

describe('pushing an image', () => {
  test('compresses what was built here, and sends nothing a second time', async () => {
    const { image } = await sample('none');
    const pushed = await push(image);
    const manifest = manifestAt('app:1');
    expect(manifest.layers.map(({ mediaType }) => mediaType)).toEqual([MEDIA_TYPE.ociLayerGzip]);
    const layer = registry.content.blobs.get(`app@${manifest.layers[0]?.digest}`);
    expect(gunzipSync(layer ?? '')).toEqual(await layerTar({ a: 'content' }));
    expect(pushed.digest).toBe(digestOf(registry.content.manifests.get('app:1')?.bytes ?? ''));
    const before = uploads().length;
    expect(await push(image)).toEqual(pushed);
    expect(uploads()).toHaveLength(before);
  });

  test.each([
    ['none', 'zstd', MEDIA_TYPE.ociLayerZstd],
    ['gzip', 'zstd', MEDIA_TYPE.ociLayerZstd],
    ['zstd', 'gzip', MEDIA_TYPE.ociLayerGzip],
  ] as const)('sends a layer kept as %s in %s where that is asked for', async (kept, compression, mediaType) => {
    const { image } = await sample(kept);
    const first = await push(image, { compression });
    expect(manifestAt('app:1').layers[0]?.mediaType).toBe(mediaType);
    await using other = await openOther();
    await pullImage({
      reference: parseReference(`${registry.host}/app:1`),
      platform: parsePlatform('amd64'),
      client: tested.client,
      store: other.store,
    });
    expect(await push(image, { compression, name: 'again:1' })).toEqual(first);
  });

  test('leaves what has the compression that is asked for as it is', async () => {
    const { image } = await sample('gzip');
    expect((await push(image, { compression: 'gzip' })).digest).toBe(image.descriptor.digest);
  });

  test('compresses at the level that is asked for, and each layer once for each level', async () => {
    const text = Array.from({ length: 9000 }, (_, at) => `${at * at} `).join('');
    const { image } = await sample('none', text);
    const sizes: number[] = [];
    for (const level of [undefined, 1, 0, undefined]) {
      await push(image, level === undefined ? {} : { level });
      sizes.push(manifestAt('app:1').layers[0]?.size ?? 0);
    }
    const [usual = 0, fast = 0, stored = 0, again] = sizes;
    expect([usual < fast, fast < stored, again]).toEqual([true, true, usual]);
  });

  test('compresses anew what is compressed so already when it is told to', async () => {
    const { image } = await sample('gzip', 'x'.repeat(9000));
    const [kept] = (await store.images.manifest(image.descriptor)).value.layers;
    await push(image, { compression: 'gzip', level: 0 });
    expect(manifestAt('app:1').layers[0]?.digest).toBe(kept?.digest);
    await push(image, { compression: 'gzip', level: 0, force: true });
    expect(manifestAt('app:1').layers[0]?.size).toBeGreaterThan(9000);
  });

  test('speaks of the same things in the words of Docker and of OCI', async () => {
    const { image, imageId } = await sample('gzip');
    await push(image, { format: 'docker' });
    const docker = manifestAt('app:1');
    expect(docker).toMatchObject({
      mediaType: MEDIA_TYPE.dockerManifest,
      config: { mediaType: MEDIA_TYPE.dockerConfig, digest: imageId },
      layers: [{ mediaType: MEDIA_TYPE.dockerLayerGzip }],
    });
    expect(registry.content.manifests.get('app:1')?.mediaType).toBe(MEDIA_TYPE.dockerManifest);
    const pulled = await pullImage({
      reference: parseReference(`${registry.host}/app:1`),
      platform: parsePlatform('amd64'),
      client: tested.client,
      store,
    });
    const back = await push(pulled.image, { format: 'oci', name: 'app:2' });
    expect(back.digest).toBe(image.descriptor.digest);
  });

  test.each<[string, Partial<PushOptions>, SampleLayer['compression']]>([
    ['asked for', { compression: 'zstd', format: 'docker' }, 'none'],
    ['already', { format: 'docker' }, 'zstd'],
  ])("refuses zstd (%s) in Docker's format before anything is sent", async (_what, options, kept) => {
    const { image } = await sample(kept);
    await expect(push(image, options)).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('--format oci'),
    });
    expect(uploads()).toEqual([]);
  });

  test('mounts what another repository of the registry is known to have', async () => {
    const { image } = await sample('none');
    const pushed = await push(image);
    if (image.name === null) throw new Error('the sample has a name');
    await store.images.put({ ...image, resolved: pushed.digest });
    const before = uploads().length;
    await push(image, { name: 'other/app:1' });
    expect(uploads()).toHaveLength(before);
    const mounts = registry.lines().filter((line) => line.includes('mount='));
    expect(mounts).toHaveLength(2);
    expect(mounts.every((line) => line.endsWith('&from=app'))).toBe(true);
    expect(manifestAt('other/app:1')).toEqual(manifestAt('app:1'));
  });

  test('does not send what may not be distributed', async () => {
    const elsewhere = { mediaType: MEDIA_TYPE.ociForeignLayerGzip, digest: digestOf('x'), size: 1, urls: ['u:'] };
    const source = new SampleRepository(registry.content, 'source');
    const own = source.blob(await layerTar({ a: 'b' }), MEDIA_TYPE.ociLayer);
    source.image('amd64', { tag: '1', layers: [own, elsewhere as never] });
    registry.content.putBlob('source', Buffer.from('x'));
    const reference = parseReference(`${registry.host}/source:1`);
    const platform = parsePlatform('amd64');
    const { image } = await pullImage({ reference, platform, client: tested.client, store });
    await push({ ...image, name: null });
    expect(registry.content.blobs.has(`app@${digestOf('x')}`)).toBe(false);
    expect(manifestAt('app:1').layers[1]).toEqual(elsewhere);
  });
});

describe('pushing an index', () => {
  const pullAll = async (index: object[]) => {
    new SampleRepository(registry.content, 'source').index(index, '1');
    const reference = parseReference(`${registry.host}/source:1`);
    const platform = parsePlatform('amd64');
    const { image } = await pullImage({ reference, platform, allPlatforms: true, client: tested.client, store });
    return { ...image, name: null };
  };
  const source = () => new SampleRepository(registry.content, 'source');

  test('sends all that it lists, byte for byte, and itself last', async () => {
    const [amd, arm] = [source().image('amd64'), source().image('arm64')];
    const attestation = source().attestation(amd);
    const image = await pullAll([forPlatform(amd, 'amd64'), forPlatform(arm, 'arm64'), attestation]);
    const before = registry.seen.length;
    expect(await push(image)).toMatchObject({ digest: image.resolved });
    const puts = registry
      .lines()
      .slice(before)
      .filter((line) => line.includes('/manifests/') && line.startsWith('PUT'));
    expect(puts).toEqual([
      `PUT /v2/app/manifests/${amd.digest}`,
      `PUT /v2/app/manifests/${arm.digest}`,
      `PUT /v2/app/manifests/${(attestation as { digest: string }).digest}`,
      'PUT /v2/app/manifests/1',
    ]);
    for (const name of registry.content.blobs.keys()) {
      expect(registry.content.blobs.has(name.replace('source@', 'app@'))).toBe(true);
    }
    const again = registry.seen.length;
    await push(image);
    const sent = registry.seen.slice(again).filter(({ method }) => method !== 'HEAD');
    expect(sent.map(({ path }) => path)).toEqual(['/v2/app/manifests/1']);
  });

  test('names what it lists anew when that was compressed otherwise, and what is about it', async () => {
    const amd = source().image('amd64', { content: 'some text' });
    const image = await pullAll([forPlatform(amd, 'amd64'), source().attestation(amd)]);
    await push(image, { compression: 'zstd' });
    const index = JSON.parse(registry.content.manifests.get('app:1')?.bytes.toString() ?? '') as {
      manifests: { digest: string; platform: object; annotations?: Record<string, string> }[];
    };
    const [entry, about] = index.manifests;
    expect(entry?.digest).not.toBe(amd.digest);
    expect(entry?.platform).toEqual({ os: 'linux', architecture: 'amd64' });
    expect(about?.annotations?.['vnd.docker.reference.digest']).toBe(entry?.digest);
    expect(manifestAt(`app@${entry?.digest}`).layers[0]?.mediaType).toBe(MEDIA_TYPE.ociLayerZstd);
  });

  test('can be in the words of Docker', async () => {
    const image = await pullAll([forPlatform(source().image('amd64'), 'amd64')]);
    await push(image, { format: 'docker' });
    const { mediaType, manifests } = manifestAt('app:1') as unknown as { mediaType: string; manifests: Manifest[] };
    expect([mediaType, manifests[0]?.mediaType]).toEqual([MEDIA_TYPE.dockerManifestList, MEDIA_TYPE.dockerManifest]);
    expect(registry.content.manifests.get('app:1')?.mediaType).toBe(mediaType);
  });

  test('can be for one platform alone', async () => {
    const [amd, arm] = [source().image('amd64'), source().image('arm64')];
    const image = await pullAll([forPlatform(amd, 'amd64'), forPlatform(arm, 'arm64')]);
    expect((await push(image, { platform: parsePlatform('arm64') })).digest).toBe(arm.digest);
    expect(registry.content.manifests.has(`app@${amd.digest}`)).toBe(false);
    await expect(push(image, { platform: parsePlatform('s390x') })).rejects.toMatchObject({
      code: 'PLATFORM_NOT_FOUND',
      hint: expect.stringContaining('linux/amd64, linux/arm64'),
    });
  });
});

async function openOther(): Promise<AsyncDisposable & { readonly store: OpenStore }> {
  const folder = await mkdtemp(join(tmpdir(), 'push-other-'));
  const other = await openStore(folder);
  return {
    store: other,
    async [Symbol.asyncDispose]() {
      other[Symbol.dispose]();
      await rm(folder, { recursive: true });
    },
  };
}
