import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.js';
import { MEDIA_TYPE } from '../../../src/oci/media-type.js';
import { parsePlatform } from '../../../src/oci/platform.js';
import { parseReference } from '../../../src/oci/reference.js';
import { pullImage, type PullOptions } from '../../../src/registry/pull-image.js';
import { openStore, type OpenStore } from '../../../src/store/open-store.js';
import type { Script } from '../../../src/testing/exchange.js';
import { startScriptedRegistry, type ScriptedRegistry } from '../../../src/testing/scripted-registry.js';
import { testClient, type TestClient } from '../../support/registry/test-client.js';

let root: string;
let store: OpenStore;
let registry: ScriptedRegistry;
let tested: TestClient;
let script: Script;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tsbuild-pull-'));
  store = await openStore(root);
  script = () => undefined;
  registry = await startScriptedRegistry((request) => script(request));
  tested = testClient();
});
afterEach(async () => {
  await tested[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
  store[Symbol.dispose]();
  await rm(root, { recursive: true });
});

interface Entry {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: object;
}

function publish(mediaType: string, document: object, tag = 'part'): Entry {
  const bytes = Buffer.from(JSON.stringify(document));
  return { mediaType, digest: registry.content.putManifest('app', tag, { mediaType, bytes }), size: bytes.length };
}

function publishImage(architecture: string, options: { readonly tag?: string; readonly diffIds?: number } = {}): Entry {
  const blob = (mediaType: string, text: string) => {
    const bytes = Buffer.from(text);
    return { mediaType, digest: registry.content.putBlob('app', bytes), size: bytes.length };
  };
  const layers = [blob(MEDIA_TYPE.ociLayer, `layer for ${architecture}`)];
  const diffIds = Array.from({ length: options.diffIds ?? 1 }, () => digestOf(`layer for ${architecture}`));
  const rootfs = { type: 'layers', diff_ids: diffIds };
  const config = blob(MEDIA_TYPE.ociConfig, JSON.stringify({ os: 'linux', architecture, rootfs }));
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config, layers };
  return publish(MEDIA_TYPE.ociManifest, manifest, options.tag);
}

function publishIndex(manifests: readonly Entry[], tag?: string): Entry {
  return publish(MEDIA_TYPE.ociIndex, { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests }, tag);
}

const pull = async (options: Partial<PullOptions> & { readonly suffix?: string } = {}) => {
  const reference = parseReference(`${registry.host}/app${options.suffix ?? ''}`);
  return await pullImage({ reference, platform: parsePlatform('amd64'), client: tested.client, store, ...options });
};

test('an index inside an index is followed, and both are kept', async () => {
  const image = publishImage('amd64');
  const inner = publishIndex([{ ...image, platform: { os: 'linux', architecture: 'amd64' } }]);
  const outer = publishIndex([inner], 'latest');
  const pulled = await pull();
  expect(pulled.image.descriptor.digest).toBe(image.digest);
  expect(pulled.image.resolved).toBe(outer.digest);
  for (const { digest } of [inner, outer]) expect(await store.blobs.has(digest as never)).toBe(true);
});

test('indexes that go round in depth are given up', async () => {
  let entry = publishImage('amd64');
  for (let depth = 0; depth < 5; depth += 1) entry = publishIndex([entry], 'latest');
  await expect(pull()).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
});

test('entries that do not say what they are for are opened', async () => {
  const arm = publishImage('arm64');
  const amd = publishImage('amd64');
  publishIndex([arm, amd], 'latest');
  expect((await pull()).image.descriptor.digest).toBe(amd.digest);
  await expect(pull({ platform: parsePlatform('s390x') })).rejects.toMatchObject({
    code: 'PLATFORM_NOT_FOUND',
    hint: 'The index names no platform at all.',
  });
});

test('an image for another platform is taken, with a warning', async () => {
  publishImage('arm64', { tag: 'latest' });
  const warnings: string[] = [];
  await pull({ onWarning: (text) => warnings.push(text) });
  expect(warnings).toEqual([`${registry.host}/app:latest is for linux/arm64, and linux/amd64 was asked for`]);
});

test('a pull by digest gives no name; one that is asked for none puts none', async () => {
  const image = publishImage('amd64', { tag: 'latest' });
  expect((await pull({ name: false })).image.name).toBeNull();
  expect(await store.images.list()).toEqual([]);
  const pulled = await pull({ suffix: `:latest@${image.digest}` });
  expect(pulled.image.name).toBeNull();
  expect(await store.images.list()).toHaveLength(1);
});

test.each<[string, Script, string]>([
  ['is missing', ({ path }) => (path.includes('/blobs/') ? { status: 404 } : undefined), 'IMAGE_NOT_FOUND'],
  [
    'is another',
    ({ path }) => (path.includes('/blobs/') ? { status: 200, body: 'other' } : undefined),
    'DIGEST_MISMATCH',
  ],
])('nothing is named when a blob %s', async (_what, faults, code) => {
  publishImage('amd64', { tag: 'latest' });
  script = faults;
  await expect(pull()).rejects.toMatchObject({ code });
  expect(await store.images.list()).toEqual([]);
});

test('nothing is named when the config does not fit the manifest', async () => {
  publishImage('amd64', { tag: 'latest', diffIds: 2 });
  await expect(pull()).rejects.toMatchObject({ code: 'DOCUMENT_INVALID', details: { path: 'rootfs.diff_ids' } });
  expect(await store.images.list()).toEqual([]);
});

test('a pull that is cancelled ends, and the next one goes on from what is there', async () => {
  publishImage('amd64', { tag: 'latest' });
  const controller = new AbortController();
  script = ({ path }) => (path.includes('/blobs/') ? 'hang' : undefined);
  setTimeout(() => controller.abort(), 50);
  await expect(pull({ signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' });
  script = () => undefined;
  expect((await pull()).changed).toBe(true);
  expect((await pull()).changed).toBe(false);
});

test('every blob has events, and the last says that it is done', async () => {
  publishImage('amd64', { tag: 'latest' });
  const done: boolean[] = [];
  await pull({ onBlob: (event) => event.done && done.push(event.existed) });
  await pull({ onBlob: (event) => event.done && done.push(event.existed) });
  expect(done).toEqual([false, false, true, true]);
});
