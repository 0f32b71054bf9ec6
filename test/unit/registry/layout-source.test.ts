import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.js';
import { createLayoutSource } from '../../../src/registry/layout-source.js';
import { collectBytes } from '../../support/byte-source.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'layout-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf('{}'), size: 2 },
  layers: [],
});
const descriptor = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: digestOf(manifest),
  size: manifest.length,
} as const;

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
}

async function layout(blob: string = manifest): Promise<void> {
  const annotations = { 'org.opencontainers.image.ref.name': 'v1' };
  const artifact = { mediaType: 'application/x', digest: digestOf('x'), size: 1, annotations };
  await write('index.json', JSON.stringify({ manifests: [artifact, { ...descriptor, annotations }] }));
  await write(`blobs/sha256/${descriptor.digest.slice(7)}`, blob);
}

describe('createLayoutSource()', () => {
  test('finds an image by its tag and by its digest', async () => {
    await layout();
    const source = createLayoutSource(folder);
    expect(await source.resolve({ tag: 'v1' })).toMatchObject(descriptor);
    expect(await source.resolve({ digest: descriptor.digest })).toMatchObject(descriptor);
    expect((await source.fetchManifest(descriptor)).value).toMatchObject({ layers: [] });
    expect((await collectBytes(source.fetchBlob(descriptor))).toString()).toBe(manifest);
    expect((await collectBytes(await source.openBlob(descriptor))).toString()).toBe(manifest);
  });

  test('says which images there are', async () => {
    await layout();
    await expect(createLayoutSource(folder).resolve({ tag: 'v2' })).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: `cannot find image "v2" in layout "${folder}": there is none`,
      hint: 'It has v1.',
    });
  });

  test('passes on no bytes that are not those of the descriptor', async () => {
    await layout(manifest.replace('[]', '{}'));
    await expect(createLayoutSource(folder).fetchManifest(descriptor)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
    await expect(collectBytes(await createLayoutSource(folder).openBlob(descriptor))).rejects.toThrow();
  });

  test.each([
    [undefined, 'it has no "index.json"'],
    ['{', 'its "index.json" is no JSON'],
    ['{"manifests":1}', 'its "index.json" lists no manifests'],
    ['null', 'its "index.json" lists no manifests'],
  ])('refuses a folder with the index %j', async (index, state) => {
    if (index !== undefined) await write('index.json', index);
    await expect(createLayoutSource(folder).resolve({ tag: 'v1' })).rejects.toMatchObject({
      code: 'CONTEXT_INVALID',
      message: `cannot read image layout "${folder}": ${state}`,
    });
  });

  test('says which blob is missing', async () => {
    await layout();
    await rm(join(folder, 'blobs'), { recursive: true });
    await expect(createLayoutSource(folder).fetchManifest(descriptor)).rejects.toThrow(
      `blob "${descriptor.digest}" is not there`,
    );
  });
});
