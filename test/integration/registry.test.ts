import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Descriptor } from '../../src/oci/descriptor.js';
import type { ImageIndex, RawIndex } from '../../src/oci/image.js';
import { decodeIndex } from '../../src/oci/decode.js';
import { digestOf } from '../../src/oci/digest.js';
import { MEDIA_TYPE, type LayerMediaType } from '../../src/oci/media-type.js';
import { parsePlatform } from '../../src/oci/platform.js';
import { parseReference } from '../../src/oci/reference.js';
import { login, logout } from '../../src/toolchain/transfer/login.js';
import { loadRegistryConfiguration } from '../../src/registry/config/load-registry-configuration.js';
import { pullImage } from '../../src/registry/pull-image.js';
import { pushImage } from '../../src/registry/push-image.js';
import type { StoredImage } from '../../src/store/image-store.js';
import { openStore, type OpenStore } from '../../src/store/open-store.js';
import { dockerRegistry, startDockerRegistry, type DockerRegistry } from '../support/docker-registry.js';
import { testClient, type TestClient } from '../support/registry/test-client.js';

const amd64 = parsePlatform('linux/amd64');

describe.skipIf(dockerRegistry.skip)(`with a docker-registry of its own (${dockerRegistry.reason})`, () => {
  let registry: DockerRegistry;
  let folder: string;
  let count = 0;
  let store: OpenStore;
  let other: OpenStore;
  let tested: TestClient;

  beforeAll(async () => {
    registry = await startDockerRegistry();
    folder = await mkdtemp(join(tmpdir(), 'tsbuild-registry-test-'));
    tested = testClient({ timeouts: {} });
  });
  afterAll(async () => {
    await tested[Symbol.asyncDispose]();
    await registry.stop();
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    count += 1;
    store = await openStore(join(folder, `store-${count}`));
    other = await openStore(join(folder, `other-${count}`));
  });

  test('an image that was pushed can be pulled, byte for byte', async () => {
    const image = await putImage(store, { layers: ['one', 'two', 'two'] });
    const target = parseReference(`${registry.host}/team/app:1`);
    const pushed = await pushImage({ image, target, store, ...push() });
    const pulled = await pullImage({ reference: target, platform: amd64, store: other, client: tested.client });
    expect(pulled.changed).toBe(true);
    expect(pulled.image).toEqual({ name: target, descriptor: image.descriptor, resolved: pushed.digest });
    expect(await other.blobs.read(image.descriptor)).toEqual(await store.blobs.read(image.descriptor));
    for await (const blob of store.blobs.list()) {
      expect(await other.blobs.read(blob)).toEqual(await store.blobs.read(blob));
    }
  });

  test('a second pull asks for nothing but the name, and changes nothing', async () => {
    const image = await putImage(store, { layers: ['again'] });
    const target = parseReference(`${registry.host}/team/again:1`);
    await pushImage({ image, target, store, ...push() });
    await pullImage({ reference: target, platform: amd64, store: other, client: tested.client });
    const before = registry.requests().length;
    const pulled = await pullImage({ reference: target, platform: amd64, store: other, client: tested.client });
    expect(pulled.changed).toBe(false);
    await expect.poll(() => registry.requests().slice(before)).toEqual(['HEAD /v2/team/again/manifests/1']);
  });

  test('nothing is uploaded twice', async () => {
    const image = await putImage(store, { layers: ['shared', 'own'] });
    await pushImage({ image, target: parseReference(`${registry.host}/team/twice:1`), store, ...push() });
    const uploads = () => registry.requests().filter((line) => line.startsWith('PUT /v2/team/twice/blobs/'));
    await expect.poll(() => uploads().length).toBe(3);
    const events: unknown[] = [];
    const target = parseReference(`${registry.host}/team/twice:2`);
    await pushImage({ image, target, store, ...push(), onBlob: (event) => events.push(event) });
    expect(events).toEqual([
      expect.objectContaining({ existed: true, done: true }),
      expect.objectContaining({ existed: true, done: true }),
      expect.objectContaining({ existed: true, done: true }),
    ]);
    expect(uploads()).toHaveLength(3);
  });

  test('layers that are kept uncompressed are pushed gzipped, in a manifest that says so', async () => {
    const image = await putImage(store, { layers: ['plain'], compress: false });
    const target = parseReference(`${registry.host}/team/plain:1`);
    const descriptor = await pushImage({ image, target, store, ...push() });
    expect(descriptor.digest).not.toBe(image.descriptor.digest);
    const pulled = await pullImage({ reference: target, platform: amd64, store: other, client: tested.client });
    const manifest = await other.images.manifest(pulled.image.descriptor);
    expect(manifest.value.layers).toEqual([
      { mediaType: MEDIA_TYPE.ociLayerGzip, digest: digestOf(gzipSync('plain')), size: gzipSync('plain').length },
    ]);
    const again = await pushImage({ image, target, store, ...push() });
    expect(again).toEqual(descriptor);
  });

  test('an index is followed to the platform that is asked for, and is kept', async () => {
    const arm = await putImage(store, { layers: ['arm'], architecture: 'arm64' });
    const amd = await putImage(store, { layers: ['amd'] });
    for (const image of [arm, amd]) {
      const target = parseReference(`${registry.host}/team/multi@${image.descriptor.digest}`);
      await pushImage({ image, target, store, ...push() });
    }
    const index = rawIndex([
      { ...arm.descriptor, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
      { ...amd.descriptor, platform: amd64 },
      { ...amd.descriptor, digest: digestOf('no'), platform: { os: 'unknown', architecture: 'unknown' } },
    ]);
    const repository = tested.client.repository({ registry: registry.host, repository: 'team/multi' });
    // A registry takes no index that names what it does not have.
    await expect(repository.pushManifest(index, { tag: 'bad' })).rejects.toMatchObject({ code: 'REGISTRY_RESPONSE' });
    const whole = rawIndex(index.value.manifests.slice(0, 2));
    await repository.pushManifest(whole, { tag: 'latest' });
    const reference = parseReference(`${registry.host}/team/multi`);
    const pulled = await pullImage({
      reference,
      platform: parsePlatform('arm64'),
      store: other,
      client: tested.client,
    });
    expect(pulled.image.descriptor.digest).toBe(arm.descriptor.digest);
    expect(pulled.image.resolved).toBe(whole.descriptor.digest);
    expect(await other.blobs.read(whole.descriptor)).toEqual(Buffer.from(whole.bytes));
    const missing = pullImage({ reference, platform: parsePlatform('s390x'), store: other, client: tested.client });
    await expect(missing).rejects.toMatchObject({
      code: 'PLATFORM_NOT_FOUND',
      hint: expect.stringContaining('linux/arm64, linux/amd64'),
    });
  });

  test('a blob is mounted from another repository of the registry', async () => {
    const bytes = Buffer.from('mounted');
    const descriptor = { mediaType: MEDIA_TYPE.ociLayer, digest: digestOf(bytes), size: bytes.length };
    const open = () => Promise.resolve(Readable.from([bytes]));
    const from = { registry: registry.host, repository: 'team/from' };
    expect(await tested.client.repository(from).pushBlob({ descriptor, open })).toBe('uploaded');
    expect(await tested.client.repository(from).pushBlob({ descriptor, open })).toBe('exists');
    const to = tested.client.repository({ registry: registry.host, repository: 'team/to' });
    expect(await to.pushBlob({ descriptor, open, mountFrom: from })).toBe('mounted');
    expect(await buffer(await to.openBlob(descriptor))).toEqual(bytes);
  });

  test('a blob of no bytes and one of many go there and back', async () => {
    const repository = tested.client.repository({ registry: registry.host, repository: 'team/sizes' });
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(9_000_000, 'x')]) {
      const descriptor = { mediaType: MEDIA_TYPE.ociLayer, digest: digestOf(bytes), size: bytes.length };
      const sent: number[] = [];
      const options = { onBytes: (count: number) => sent.push(count) };
      await repository.pushBlob({ descriptor, open: () => Promise.resolve(Readable.from([bytes])) }, options);
      expect(sent.reduce((sum, part) => sum + part, 0)).toBe(bytes.length);
      expect((await buffer(await repository.openBlob(descriptor))).equals(bytes)).toBe(true);
    }
  });

  test('an image that is not there is not found, with what the registry said', async () => {
    const reference = parseReference(`${registry.host}/team/nothing:here`);
    await expect(pullImage({ reference, platform: amd64, store, client: tested.client })).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringMatching(/^cannot find image "127.*answered 404 \(MANIFEST_UNKNOWN: manifest unknown\)$/),
    });
  });

  function push() {
    const compressLayer = async (layer: Descriptor<LayerMediaType>): Promise<Descriptor<LayerMediaType>> => {
      const bytes = gzipSync(await store.blobs.read(layer));
      return { mediaType: MEDIA_TYPE.ociLayerGzip, ...(await store.blobs.ingest(Readable.from([bytes]))) };
    };
    return { client: tested.client, compressLayer };
  }
});

describe.skipIf(dockerRegistry.skip)(`with a docker-registry that wants a password (${dockerRegistry.reason})`, () => {
  const password = 's3cret:with:colons';
  const htpasswd = 'me:$2b$04$/x4VImHl5c6ftKTIHkpiu.sbPfR99X2mqm5Eg0WIlaiuRiwe/N02e\n';
  const blob = Buffer.from('behind a password');
  const descriptor = { mediaType: MEDIA_TYPE.ociLayer, digest: digestOf(blob), size: blob.length };
  let registry: DockerRegistry;

  beforeAll(async () => {
    registry = await startDockerRegistry({ htpasswd });
  });
  afterAll(async () => {
    await registry.stop();
  });

  test('who logs in at the command line can push, and is a stranger again after logging out', async () => {
    const home = await mkdtemp(join(tmpdir(), 'tsbuild-login-'));
    const env = { HOME: home, DOCKER_CONFIG: home };
    try {
      await login({ registry: registry.host, username: 'me', password }, { env });
      const pushed = async (): Promise<string> => {
        const configuration = await loadRegistryConfiguration({ env, home, systemRoot: home });
        await using tested = testClient({ timeouts: {}, configuration });
        const repository = tested.client.repository({ registry: registry.host, repository: 'mine' });
        return await repository.pushBlob({ descriptor, open: () => Promise.resolve(Readable.from([blob])) });
      };
      expect(await pushed()).toBe('uploaded');
      expect(await logout(registry.host, { env })).toBe(true);
      await expect(pushed()).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
      await expect(login({ registry: registry.host, username: 'me', password: 'x' }, { env })).rejects.toMatchObject({
        code: 'REGISTRY_UNAUTHORIZED',
      });
    } finally {
      await rm(home, { recursive: true });
    }
  });

  test('the credentials let in', async () => {
    await using tested = testClient({
      timeouts: {},
      credentials: { [registry.host]: { kind: 'password', username: 'me', password } },
    });
    const repository = tested.client.repository({ registry: registry.host, repository: 'private' });
    const open = () => Promise.resolve(Readable.from([blob]));
    expect(await repository.pushBlob({ descriptor, open })).toBe('uploaded');
    expect(await buffer(await repository.openBlob(descriptor))).toEqual(blob);
  });

  test.each([
    ['none', {}],
    ['wrong ones', { kind: 'password' as const, username: 'me', password: 'wrong-password' }],
  ])('%s do not, and are not shown', async (_what, credential) => {
    const credentials = 'kind' in credential ? { [registry.host]: credential } : {};
    await using tested = testClient({ timeouts: {}, credentials });
    const repository = tested.client.repository({ registry: registry.host, repository: 'private' });
    const failure = repository.resolve({ tag: 'latest' });
    await expect(failure).rejects.toMatchObject({
      code: 'REGISTRY_UNAUTHORIZED',
      message: expect.stringContaining('answered 401'),
      hint: expect.stringContaining(`tsbuild login ${registry.host}`),
    });
    const shown = await failure.catch((error: unknown) => JSON.stringify(error) + String(error));
    expect(shown).not.toContain('wrong-password');
  });
});

async function putImage(
  store: OpenStore,
  options: { readonly layers: readonly string[]; readonly compress?: boolean; readonly architecture?: string },
): Promise<StoredImage> {
  const { layers, compress = true, architecture = 'amd64' } = options;
  const put = async (bytes: Buffer) => await store.blobs.ingest(Readable.from([bytes]));
  const blobs = await Promise.all(
    layers.map(async (text) => ({
      mediaType: compress ? MEDIA_TYPE.ociLayerGzip : MEDIA_TYPE.ociLayer,
      ...(await put(compress ? gzipSync(text) : Buffer.from(text))),
    })),
  );
  const rootfs = { type: 'layers', diff_ids: layers.map((text) => digestOf(text)) };
  const config = await put(Buffer.from(JSON.stringify({ os: 'linux', architecture, config: {}, rootfs })));
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociManifest,
    config: { mediaType: MEDIA_TYPE.ociConfig, ...config },
    layers: blobs,
  };
  const stored = await put(Buffer.from(JSON.stringify(manifest)));
  const image = { name: null, descriptor: { mediaType: MEDIA_TYPE.ociManifest, ...stored } };
  await store.images.put(image);
  return image;
}

function rawIndex(manifests: ImageIndex['manifests']): RawIndex {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests }));
  return decodeIndex(bytes, { mediaType: MEDIA_TYPE.ociIndex, digest: digestOf(bytes), size: bytes.length });
}
