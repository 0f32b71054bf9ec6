import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.js';
import { MEDIA_TYPE } from '../../../src/oci/media-type.js';
import { parsePlatform } from '../../../src/oci/platform.js';
import { parseReference } from '../../../src/oci/reference.js';
import type { BlobEvent } from '../../../src/registry/blob-event.js';
import { pullImage, type PullOptions, type PullResult } from '../../../src/registry/pull-image.js';
import { openStore, type OpenStore } from '../../../src/store/open-store.js';
import type { Script } from '../../../src/testing/exchange.js';
import { fault, firstOf } from '../../../src/testing/faults.js';
import { startScriptedRegistry, type ScriptedRegistry } from '../../../src/testing/scripted-registry.js';
import { testClient, type TestClient } from '../../support/registry/test-client.js';
import { forPlatform, SampleRepository } from './sample-registry.js';

let registry: ScriptedRegistry;
let script: Script;
let tested: TestClient;
let root: string;
let store: OpenStore;
let sample: SampleRepository;
beforeEach(async () => {
  script = () => undefined;
  registry = await startScriptedRegistry((request) => script(request));
  tested = testClient();
  root = await mkdtemp(join(tmpdir(), 'pull-whole-'));
  store = await openStore(root);
  sample = new SampleRepository(registry.content);
});
afterEach(async () => {
  store[Symbol.dispose]();
  await tested[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

const pull = async (options: Partial<PullOptions> = {}): Promise<PullResult> => {
  const reference = parseReference(`${registry.host}/app:1`);
  return await pullImage({ reference, platform: parsePlatform('amd64'), client: tested.client, store, ...options });
};

describe('pulling all platforms', () => {
  test('brings everything that the index lists, and names the index', async () => {
    const [amd, arm] = [sample.image('amd64'), sample.image('arm64')];
    const index = sample.index(
      [forPlatform(amd, 'amd64'), forPlatform(arm, 'arm64', 'v8'), sample.attestation(amd)],
      '1',
    );
    const { image, changed } = await pull({ allPlatforms: true });
    expect(changed).toBe(true);
    expect(image).toMatchObject({ index, resolved: index.digest, descriptor: { digest: amd.digest } });
    expect(await store.images.list()).toEqual([image]);
    for (const [name, bytes] of [...registry.content.blobs, ...registry.content.manifests]) {
      const size = Buffer.isBuffer(bytes) ? bytes.length : bytes.bytes.length;
      if (name.includes('@')) expect(await store.blobs.size(name.split('@')[1] as never)).toBe(size);
    }
    const before = registry.seen.length;
    expect((await pull({ allPlatforms: true })).changed).toBe(false);
    expect(registry.lines().slice(before)).toEqual(['HEAD /v2/app/manifests/1']);
  });

  test('lets the first image stand for the index where there is none for this machine', async () => {
    const arm = sample.image('arm64');
    sample.index([sample.attestation(arm), forPlatform(arm, 'arm64')], '1');
    const { image } = await pull({ allPlatforms: true });
    expect(image.descriptor.digest).toBe(arm.digest);
    expect(tested.warnings).toEqual([]);
  });

  test('of a name that is one image brings that image', async () => {
    const amd = sample.image('amd64', { tag: '1' });
    const { image } = await pull({ allPlatforms: true });
    expect(image.index).toBeUndefined();
    expect(image.descriptor.digest).toBe(amd.digest);
  });

  test('names nothing when something that the index lists is missing', async () => {
    const gone = { mediaType: MEDIA_TYPE.ociManifest, digest: digestOf('gone'), size: 4 };
    sample.index([forPlatform(sample.image('amd64'), 'amd64'), forPlatform(gone, 'arm64')], '1');
    await expect(pull({ allPlatforms: true })).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringContaining(gone.digest),
    });
    expect(await store.images.list()).toEqual([]);
  });

  test('ends at an index that lists without end', async () => {
    const many = Array.from({ length: 1001 }, (_, number) => ({
      mediaType: MEDIA_TYPE.ociManifest,
      digest: digestOf(String(number)),
      size: 10,
      platform: { os: 'linux', architecture: `a${number}` },
    }));
    sample.index([forPlatform(sample.image('amd64'), 'amd64'), ...many], '1');
    await expect(pull({ allPlatforms: true })).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
  });
});

describe('a large layer', () => {
  const content = Buffer.alloc(3 << 20, 'large layer ');
  const layerOf = () => sample.image('amd64', { tag: '1', layers: [sample.blob(content, MEDIA_TYPE.ociLayer)] });
  const path = `/v2/app/blobs/${digestOf(content)}`;
  const ranges = () => registry.seen.filter((each) => each.path === path).map(({ headers }) => headers['range']);

  test('is taken up by another process where the one before was killed', async () => {
    layerOf();
    const cancel = new AbortController();
    script = fault({ path, times: 1 }, { status: 200, body: content, stallAfter: 2 << 20 });
    const events: BlobEvent[] = [];
    const first = pull({ signal: cancel.signal, onBlob: ({ current }) => current >= 2 << 20 && cancel.abort() });
    await expect(first).rejects.toMatchObject({ code: 'ABORTED' });
    store[Symbol.dispose]();
    store = await openStore(root);
    await pull({ onBlob: (event) => events.push(event) });
    const [none, from] = ranges();
    expect(none).toBeUndefined();
    expect(Number(/^bytes=(\d+)-$/.exec(from ?? '')?.[1])).toBeGreaterThan(0);
    const layer = events.filter(({ descriptor }) => descriptor.digest === digestOf(content));
    expect(layer[0]?.current).toBe(Number(/\d+/.exec(from ?? '')?.[0]));
    expect(layer.at(-1)).toMatchObject({ current: content.length, done: true, existed: false });
    expect((await store.blobs.read({ digest: digestOf(content), size: content.length })).equals(content)).toBe(true);
  });

  test('that comes wrong after a break is had again from its start', async () => {
    layerOf();
    const wrong = Buffer.alloc(content.length, 'another thing ');
    script = firstOf(fault({ path, times: 4 }, { status: 200, body: wrong, cutAfter: 1 << 20 }));
    await expect(pull()).rejects.toThrow();
    script = () => undefined;
    const asked = ranges().length;
    await pull();
    expect(ranges().slice(asked).at(-1)).toBeUndefined();
    expect(await store.blobs.has(digestOf(content))).toBe(true);
  });

  test('that comes slowly comes', async () => {
    layerOf();
    script = fault({ path }, { status: 200, body: content, trickle: 1 << 18 });
    expect((await pull()).changed).toBe(true);
  });
});

describe('a layer that is elsewhere', () => {
  const content = Buffer.from('may not be distributed');
  const withUrls = (urls: readonly string[], mediaType: string = MEDIA_TYPE.dockerForeignLayerGzip) =>
    sample.image('amd64', {
      tag: '1',
      layers: [{ mediaType, digest: digestOf(content), size: content.length, urls } as never],
    });

  test.each([MEDIA_TYPE.dockerForeignLayerGzip, MEDIA_TYPE.ociForeignLayerGzip])(
    'is fetched from its URL, without credentials (%s)',
    async (mediaType) => {
      await using elsewhere = await startScriptedRegistry(() => ({ status: 200, body: content }));
      withUrls([`http://user:secret@${elsewhere.host}/layer.tgz`], mediaType);
      script = ({ path, headers }) => {
        if (path.startsWith('/token')) return { status: 200, body: '{"token":"secret"}' };
        const challenge = { 'www-authenticate': `Bearer realm="http://${registry.host}/token"` };
        return headers['authorization'] === 'Bearer secret' ? undefined : { status: 401, headers: challenge };
      };
      await pull();
      expect(await store.blobs.has(digestOf(content))).toBe(true);
      expect(elsewhere.seen.map(({ headers }) => headers['authorization'])).toEqual([undefined]);
    },
  );

  test('is taken from the registry where it has it', async () => {
    withUrls(['http://nowhere.invalid/']);
    registry.content.putBlob('app', content);
    expect((await pull()).changed).toBe(true);
  });

  test('is looked for at one URL after another, and an error names them all', async () => {
    await using elsewhere = await startScriptedRegistry(() => ({ status: 410 }));
    withUrls(['ftp://a/', 'not a url', `http://${elsewhere.host}/x?sig=secret`]);
    const failure = pull();
    await expect(failure).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringMatching(/answered 404.*; "ftp:\/\/a\/" is no URL.*; "not a url".*answered 410/),
    });
    await expect(failure).rejects.toMatchObject({ message: expect.not.stringContaining('secret') });
  });

  test('is refused when it is something else there', async () => {
    await using elsewhere = await startScriptedRegistry(() => ({ status: 200, body: 'may not be what it seems' }));
    withUrls([`http://${elsewhere.host}/`]);
    await expect(pull()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });
});

test('an image manifest of schema 1 is refused by its name', async () => {
  const mediaType = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
  sample.document({ schemaVersion: 1, name: 'app', tag: '1', fsLayers: [], signatures: [] }, mediaType, '1');
  await expect(pull()).rejects.toMatchObject({
    code: 'DOCUMENT_INVALID',
    message: expect.stringContaining('schemaVersion is 1'),
    hint: expect.stringContaining('push it again'),
  });
});
