import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.js';
import { formatReference, parseReference } from '../../../../src/oci/reference.js';
import type { StoredImage } from '../../../../src/store/image-store.js';
import { openStore, type OpenStore } from '../../../../src/store/open-store.js';
import { layerTar, putSampleImage, tagged } from '../../../support/sample-images.js';

let root: string;
let store: OpenStore;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'image-store-'));
  store = await openStore(root);
});
afterEach(() => {
  store[Symbol.dispose]();
  rmSync(root, { recursive: true });
});

const indexPath = (): string => join(root, 'index.json');
const MEDIA_TYPE = 'application/vnd.oci.image.manifest.v1+json';

function image(content: string, name: string | null, resolved?: string): StoredImage {
  return {
    name: name === null ? null : tagged(name),
    descriptor: { mediaType: MEDIA_TYPE, digest: digestOf(content), size: content.length },
    ...(resolved === undefined ? {} : { resolved: digestOf(resolved) }),
  };
}

async function listed(): Promise<readonly string[]> {
  const images = await store.images.list();
  return images.map(
    ({ name, descriptor }) => `${name === null ? '-' : formatReference(name)} ${descriptor.digest.slice(7, 13)}`,
  );
}

const short = (content: string): string => digestOf(content).slice(7, 13);

test('finds an image by its name, and by the digests of its manifest and of what it was resolved to', async () => {
  const stored = image('a', 'debian:12', 'index');
  expect(await store.images.put(stored)).toBe(true);
  expect(await store.images.find(parseReference('debian:12'))).toEqual(stored);
  expect(await store.images.find(parseReference('debian:11'))).toBeUndefined();
  expect(await store.images.find(parseReference(`debian@${digestOf('a')}`))).toEqual(stored);
  expect(await store.images.find(parseReference(`debian:other@${digestOf('index')}`))).toEqual(stored);
  expect(await store.images.find(parseReference(`debian@${digestOf('b')}`))).toBeUndefined();
});

test('prefers the name that was asked for when several have the digest', async () => {
  await store.images.put(image('a', 'a.example/copy:1'));
  await store.images.put(image('a', 'debian:12'));
  const found = await store.images.find(parseReference(`debian@${digestOf('a')}`));
  expect(found?.name?.repository).toBe('library/debian');
  expect(await store.images.find(parseReference(`unheard/of@${digestOf('a')}`))).toBeDefined();
});

test('writes nothing when nothing changes', async () => {
  await store.images.put(image('a', 'debian:12', 'index'));
  const past = new Date(1e12);
  utimesSync(indexPath(), past, past);
  expect(await store.images.put(image('a', 'debian:12', 'index'))).toBe(false);
  expect(await store.images.put(image('a', null))).toBe(false);
  expect(await store.images.remove(image('a', 'debian:11'))).toBe(false);
  expect(statSync(indexPath()).mtimeMs).toBe(1e12);
});

test('moves a name to another image, and keeps the first without one', async () => {
  await store.images.put(image('a', 'x:1', 'index'));
  expect(await store.images.put(image('b', 'x:1'))).toBe(true);
  expect(await listed()).toEqual([`- ${short('a')}`, `docker.io/library/x:1 ${short('b')}`]);
  expect(await store.images.find(parseReference(`x@${digestOf('index')}`))).toMatchObject({ name: null });
});

test('an image that has another name left, or gets one, is not kept without one', async () => {
  await store.images.put(image('a', 'x:1'));
  await store.images.put(image('a', 'y:1'));
  await store.images.put(image('b', 'x:1'));
  expect(await listed()).toEqual([`docker.io/library/x:1 ${short('b')}`, `docker.io/library/y:1 ${short('a')}`]);
  await store.images.put(image('c', null));
  await store.images.put(image('c', 'z:1'));
  expect(await listed()).toContain(`docker.io/library/z:1 ${short('c')}`);
  expect(await listed()).not.toContain(`- ${short('c')}`);
});

test('keeps what a pull by digest has resolved, whatever the order', async () => {
  await store.images.put(image('a', 'x:1'));
  expect(await store.images.put(image('a', null, 'index'))).toBe(true);
  expect(await store.images.find(parseReference(`x@${digestOf('index')}`))).toBeDefined();
  expect(await store.images.put(image('a', null, 'index'))).toBe(false);
});

test('removes the entry it is given, and no other', async () => {
  await store.images.put(image('a', 'x:1'));
  await store.images.put(image('a', 'y:1'));
  expect(await store.images.remove(image('a', 'x:1'))).toBe(true);
  expect(await store.images.remove(image('a', null))).toBe(false);
  expect(await listed()).toEqual([`docker.io/library/y:1 ${short('a')}`]);
});

test('equal content gives equal bytes, in whatever order it came', async () => {
  const images = [image('a', 'x:1'), image('b', 'y:1', 'r'), image('c', null), image('a', 'a.example/x:2')];
  for (const each of images) await store.images.put(each);
  const first = readFileSync(indexPath(), 'utf8');
  for (const each of images) await store.images.remove(each);
  for (const each of images.toReversed()) await store.images.put(each);
  expect(readFileSync(indexPath(), 'utf8')).toBe(first);
});

test('writers at the same time lose nothing', async () => {
  const others = [await openStore(root), await openStore(root)];
  await Promise.all(
    Array.from({ length: 12 }, (_, index) => (others[index % 2] ?? store).images.put(image(`${index}`, `x:${index}`))),
  );
  expect(await store.images.list()).toHaveLength(12);
});

test('keeps the entries and members of other tools', async () => {
  const foreign = [
    { mediaType: 'application/vnd.oci.image.index.v1+json', digest: digestOf('i'), size: 1, annotations: { a: 'b' } },
    {
      mediaType: MEDIA_TYPE,
      digest: digestOf('m'),
      size: 1,
      annotations: { 'org.opencontainers.image.ref.name': 'latest' },
    },
    { not: 'a descriptor' },
  ];
  writeFileSync(
    indexPath(),
    JSON.stringify({ schemaVersion: 2, manifests: foreign, annotations: { made: 'elsewhere' } }),
  );
  await store.images.put(image('a', 'x:1'));
  const index = JSON.parse(readFileSync(indexPath(), 'utf8')) as { manifests: unknown[]; annotations: unknown };
  expect(index.manifests).toEqual(expect.arrayContaining(foreign));
  expect(index.manifests).toHaveLength(4);
  expect(index.annotations).toEqual({ made: 'elsewhere' });
  expect((await listed()).toSorted()).toEqual([`- ${short('m')}`, `docker.io/library/x:1 ${short('a')}`]);
});

test.each(['', '[]', '{}', '{"manifests":1}'])('says so when index.json is %j', async (text) => {
  writeFileSync(indexPath(), text);
  await expect(store.images.list()).rejects.toMatchObject({ code: 'STORE_INVALID' });
  await expect(store.images.put(image('a', 'x:1'))).rejects.toMatchObject({ code: 'STORE_INVALID' });
  expect(readFileSync(indexPath(), 'utf8')).toBe(text);
});

test('reads manifests and configs with the bytes that their digests are of', async () => {
  const sample = await putSampleImage(store, [{ tar: await layerTar({ a: 'b' }) }], 'x:1');
  const manifest = await store.images.manifest(sample.image.descriptor);
  expect(digestOf(manifest.bytes)).toBe(sample.image.descriptor.digest);
  expect(manifest.value.layers).toHaveLength(1);
  const config = await store.images.config(manifest);
  expect(digestOf(config.bytes)).toBe(sample.imageId);
  expect(config.value.config.Cmd).toEqual(['/hello']);
  await store.blobs.delete(sample.imageId);
  await expect(store.images.config(manifest)).rejects.toMatchObject({
    code: 'STORE_IO',
    details: { state: 'missing' },
  });
});

describe('a name that stands for a whole index', () => {
  const index = {
    mediaType: 'application/vnd.oci.image.index.v1+json',
    digest: digestOf('index'),
    size: 5,
    annotations: { of: 'its own' },
  } as const;
  const whole = { ...image('amd', 'x:1', 'index'), index };

  test('is an index to every tool that reads the layout, and one image to who wants one', async () => {
    await store.images.put(whole);
    const { manifests } = JSON.parse(readFileSync(indexPath(), 'utf8')) as { manifests: object[] };
    expect(manifests).toEqual([expect.objectContaining({ mediaType: index.mediaType, digest: index.digest })]);
    expect(await store.images.list()).toEqual([whole]);
    expect(await store.images.find(parseReference(`x@${index.digest}`))).toEqual(whole);
    expect(await store.images.put(whole)).toBe(false);
    expect(await store.images.remove(whole)).toBe(true);
    expect(await store.images.list()).toEqual([]);
  });

  test('stays one when an image of the index takes the name', async () => {
    await store.images.put(whole);
    await store.images.put(image('arm', 'x:1', 'index'));
    expect(await store.images.list()).toEqual([{ ...image('arm', 'x:1', 'index'), index }]);
  });

  test('ends when the name goes to something else, and the index stays without a name', async () => {
    await store.images.put(whole);
    await store.images.put(image('new', 'x:1', 'other'));
    expect(await store.images.list()).toEqual([{ ...whole, name: null }, image('new', 'x:1', 'other')]);
  });

  test('is not lost to an image in it that is known without the rest', async () => {
    await store.images.put({ ...whole, name: null });
    await store.images.put(image('amd', null, 'index'));
    expect(await store.images.list()).toEqual([{ ...whole, name: null }]);
  });

  test.each(['{', '{}', '{"mediaType":"text/plain","digest":"sha256:00","size":1}', 'null'])(
    'is no image when it says %j of the chosen one',
    async (chosen) => {
      const entry = { ...index, annotations: { 'dev.tsbuild.image.chosen': chosen } };
      writeFileSync(indexPath(), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
      expect(await store.images.list()).toEqual([]);
      await store.images.put(image('a', 'x:1'));
      expect(JSON.parse(readFileSync(indexPath(), 'utf8'))).toHaveProperty('manifests.length', 2);
    },
  );
});
