import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ProgressEvent } from '../../src/builder/progress.js';
import { MEDIA_TYPE } from '../../src/oci/media-type.js';
import { openStore } from '../../src/store/open-store.js';
import { startScriptedRegistry, type ScriptedRegistry } from '../../src/testing/scripted-registry.js';
import { createToolchain } from '../../src/toolchain.js';
import type { Toolchain } from '../../src/toolchain/toolchain-types.js';
import { layerTar, putSampleImage } from '../support/sample-images.js';
import { forPlatform, SampleRepository } from '../unit/registry/sample-registry.js';

let registry: ScriptedRegistry;
let root: string;
let tools: Toolchain;
beforeEach(async () => {
  registry = await startScriptedRegistry();
  root = await mkdtemp(join(tmpdir(), 'push-pull-'));
  tools = await createToolchain({ storeRoot: root, env: { HOME: root } });
});
afterEach(async () => {
  await tools[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

const build = async (name: string): Promise<void> => {
  using store = await openStore(root);
  await putSampleImage(store, [{ tar: await layerTar({ built: 'here' }) }], name);
};

describe('an image that was built here', () => {
  test('is known by its digest in the registry after a push, and a pull fetches nothing', async () => {
    const name = `${registry.host}/app:1`;
    await build(name);
    const pushed = await tools.push(name);
    const { image } = await tools.image(name);
    expect(image.resolved).toBe(pushed.digest);
    expect(image.descriptor.digest).not.toBe(pushed.digest);
    const before = registry.seen.length;
    expect(await tools.pull(name)).toEqual({ name, digest: pushed.digest, changed: false });
    expect(registry.lines().slice(before)).toEqual(['HEAD /v2/app/manifests/1']);
    expect((await tools.image(`${registry.host}/app@${pushed.digest}`)).image.name).toEqual(image.name);
  });

  test('is mounted into a second repository', async () => {
    const [one, two] = [`${registry.host}/app:1`, `${registry.host}/other:1`];
    await build(one);
    const { digest } = await tools.push(one);
    await tools.tag(one, two);
    expect((await tools.image(two)).repoDigests).toEqual([`${registry.host}/app@${digest}`]);
    const before = registry.seen.length;
    const again = await tools.push(two, { compression: 'gzip' });
    expect((await tools.image(one)).repoDigests).toEqual([
      `${registry.host}/app@${digest}`,
      `${registry.host}/other@${again.digest}`,
    ]);
    expect(
      registry.seen.slice(before).filter(({ method, path }) => method === 'PUT' && path.includes('uploads')),
    ).toEqual([]);
  });

  test('is pushed with zstd, and is the same image', async () => {
    const name = `${registry.host}/app:1`;
    await build(name);
    const before = await tools.image(name);
    await tools.push(name, { compression: 'zstd' });
    await tools.remove(name, { force: true });
    await tools.pull(name);
    const after = await tools.image(name);
    expect(after.config.descriptor.digest).toBe(before.config.descriptor.digest);
    expect(after.manifest.value.layers[0]?.mediaType).toBe(MEDIA_TYPE.ociLayerZstd);
  });
});

describe('a name pulled for all platforms', () => {
  test('is pushed as the index it is, and told apart from one platform', async () => {
    const sample = new SampleRepository(registry.content, 'source');
    const images = ['amd64', 'arm64', 's390x'].map((each) => forPlatform(sample.image(each), each));
    const index = sample.index(images, '1');
    const [from, to] = [`${registry.host}/source:1`, `${registry.host}/target:1`];
    const events: ProgressEvent[] = [];
    const pulled = await tools.pull(from, { allPlatforms: true, progress: (event) => events.push(event) });
    expect(pulled.digest).toBe(index.digest);
    const done = events.filter((event) => event.type === 'transfer' && event.done === true);
    expect(done).toHaveLength(3);
    await tools.tag(from, to);
    expect((await tools.push(to)).digest).toBe(index.digest);
    expect((await tools.push(to, { platform: 's390x' })).digest).toBe((images[2] as { digest: string }).digest);
    await expect(tools.pull(from, { allPlatforms: true, platform: 'arm64' })).rejects.toMatchObject({ code: 'USAGE' });
    await tools.remove(from);
    await tools.remove(to);
    using store = await openStore(root);
    for await (const { digest } of store.blobs.list()) expect.fail(`${digest} is left`);
  });
});
