import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.js';
import { formatReference } from '../../../../src/oci/reference.js';
import { loadArchive, type LoadedImage } from '../../../../src/registry/archive/read/load-archive.js';
import { openStore, type OpenStore } from '../../../../src/store/open-store.js';
import {
  blobName,
  classicMembers,
  descriptorOf,
  json,
  ociMembers,
  tarOf,
  type Member,
  type Members,
} from '../../../support/archive-builder.js';
import { streamOf } from '../../../support/byte-source.js';
import { hasTools } from '../../../support/tools.js';
import { configOf, layerTar, putSampleImage, zstdFrame, type SampleLayer } from '../../../support/sample-images.js';

const FULL_NAME = 'io.containerd.image.name';
const REF_NAME = 'org.opencontainers.image.ref.name';

let root: string;
let store: OpenStore;
let layers: readonly SampleLayer[];
let imageId: string;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'load-archive-'));
  store = await openStore(root);
  layers = [
    { tar: await layerTar({ small: 'content' }) },
    { tar: await layerTar({ large: Buffer.alloc(600_000, 'x') }), compression: 'gzip' },
    { tar: await layerTar({ larger: Buffer.alloc(400_000, 'y') }) },
  ];
  imageId = digestOf(json(configOf(layers)));
});
afterEach(() => {
  store[Symbol.dispose]();
  rmSync(root, { recursive: true });
});

async function* chunksOf(bytes: Uint8Array, size = 50_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) {
    await Promise.resolve();
    yield Buffer.from(bytes.subarray(at, at + size));
  }
}

async function load(archive: Members | Uint8Array): Promise<readonly LoadedImage[]> {
  const source = chunksOf(archive instanceof Uint8Array ? archive : await tarOf(archive));
  return await loadArchive({ source, shown: 'archive "a.tar"', store });
}

const shown = (loaded: readonly LoadedImage[]): readonly string[] =>
  loaded.map(({ name, imageId: id }) => `${name === null ? '-' : formatReference(name)} ${id}`);

function storeState(): { readonly blobs: readonly string[]; readonly index: string } {
  return { blobs: readdirSync(join(root, 'blobs/sha256')), index: readFileSync(join(root, 'index.json'), 'utf8') };
}

async function expectWhole({ image }: LoadedImage): Promise<void> {
  const manifest = await store.images.manifest(image.descriptor);
  const config = await store.images.config(manifest);
  expect(config.value.rootfs.diff_ids).toEqual(layers.map(({ tar }) => digestOf(tar)));
  for (const layer of manifest.value.layers) expect(await store.blobs.read(layer)).toHaveLength(layer.size);
}

function replace(members: Members, name: string, member: Member): Members {
  expect(members.some(([each]) => each === name)).toBe(true);
  return members.map(([each, old]) => [each, each === name ? member : old]);
}

describe('loadArchive() of a docker-archive', () => {
  test('loads the image under its names, with the id it had', async () => {
    const loaded = await load(classicMembers(layers, ['x:1', 'a.example/y:2']));
    expect(shown(loaded)).toEqual([`docker.io/library/x:1 ${imageId}`, `a.example/y:2 ${imageId}`]);
    for (const each of loaded) await expectWhole(each);
    expect((await store.images.list()).map(({ name }) => name?.repository)).toEqual(['y', 'library/x']);
  });

  test('gives the same manifest whatever the order of the members, their names and the compression outside', async () => {
    const members = classicMembers(layers, ['x:1']);
    const [first] = await load(members);
    const variants: readonly (Members | Uint8Array)[] = [
      members.toReversed(),
      members.map(([name, member]) => [`./${name.replace('/', '//')}`, member]),
      gzipSync(await tarOf(members)),
      zstdFrame(await tarOf(members)),
      Buffer.concat([await tarOf(members), Buffer.alloc(102_400)]),
    ];
    for (const variant of variants) expect(await load(variant)).toEqual([first]);
  });

  test.for([null, []])('an image with the names %j is loaded without one', async (tags) => {
    const [loaded] = await load(classicMembers(layers, tags));
    expect(loaded).toMatchObject({ name: null, imageId });
    expect(await store.images.list()).toEqual([loaded?.image]);
  });

  test.each(['symlink', 'hardlink'] as const)('follows a %s inside the archive, one hop', async (kind) => {
    const [base = { tar: Buffer.alloc(0) }] = layers;
    const twice = [base, base];
    const [first, second, ...rest] = classicMembers(twice, ['x:1']);
    const [firstName = '', name = ''] = [first?.[0], second?.[0]];
    const link = kind === 'symlink' ? { symlink: `../${firstName}` } : { hardlink: firstName };
    const [loaded] = await load([[name, link as Member], [firstName, base.tar], ...rest]);
    expect(loaded?.imageId).toBe(digestOf(json(configOf(twice))));
  });

  test.each([
    ['a symlink out of the archive', { symlink: '../../../../../../etc/hostname' }],
    ['an absolute symlink', { symlink: '/etc/hostname' }],
    ['a hard link out of the archive', { hardlink: '../../etc/hostname' }],
    ['a link to a link', { symlink: 'other' }],
  ])('does not follow %s', async (_, link) => {
    const members = classicMembers(layers, ['x:1']);
    const [name = ''] = members.find(([each]) => each.endsWith('.json')) ?? [];
    await expect(
      load([...replace(members, name, link), ['other', { symlink: 'manifest.json' }]]),
    ).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining('is missing') as string,
    });
  });

  test('refuses a path out of the archive', async () => {
    const members = classicMembers(layers, ['x:1']);
    const escape = json([{ Config: '../../../../etc/hostname', RepoTags: null, Layers: [] }]);
    await expect(load(replace(members, 'manifest.json', escape))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    await expect(load([['../evil', 'x'], ...members])).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });

  test.each([
    ['null', 'it has no images'],
    ['[]', 'it has no images'],
    ['{', 'is no JSON'],
    ['{}', 'wanted an array'],
    ['[{"Layers":[]}]', 'Config is missing'],
    ['[{"Config":"missing.json","Layers":[]}]', 'is missing'],
  ])('says what is wrong with a manifest.json of %s', async (text, state) => {
    await expect(load(replace(classicMembers(layers, null), 'manifest.json', text))).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining(state) as string,
    });
  });

  test('refuses a name that no image can have, and loads one without a tag as latest', async () => {
    await expect(load(classicMembers(layers, ['UPPER:1']))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    expect(shown(await load(classicMembers(layers, ['x'])))).toEqual([`docker.io/library/x:latest ${imageId}`]);
  });

  describe.each(['xz', 'bzip2'])('with layers of %s (needs the program)', (program) => {
    test.skipIf(!hasTools(program))('keeps them as the tar that they hold', async () => {
      const { status, stdout } = spawnSync(program, ['-c'], { input: layers[1]?.tar });
      expect(status).toBe(0);
      const members = classicMembers(layers, ['x:1']).map(([name, member], index): Members[number] => [
        name,
        index === 1 ? stdout : member,
      ]);
      const [loaded] = await load(members);
      expect(loaded?.imageId).toBe(imageId);
      const manifest = await store.images.manifest(
        loaded?.image.descriptor as Parameters<typeof store.images.manifest>[0],
      );
      expect(manifest.value.layers[1]?.digest).toBe(digestOf(layers[1]?.tar ?? ''));
      await expect(
        load(members.map(([name, member], index) => [name, index === 1 ? stdout.subarray(0, -9) : member])),
      ).rejects.toMatchObject({ code: 'LAYER_INVALID' });
    });
  });
});

describe('loadArchive() of an OCI layout', () => {
  test('keeps every blob as it is', async () => {
    const { manifest, members } = ociMembers(layers, { [FULL_NAME]: 'docker.io/library/x:1', [REF_NAME]: '1' });
    const [loaded, ...others] = await load(members);
    expect(others).toEqual([]);
    expect(loaded).toMatchObject({ imageId, image: { descriptor: { digest: digestOf(manifest) } } });
    if (loaded !== undefined) await expectWhole(loaded);
    expect(shown([loaded as LoadedImage])).toEqual([`docker.io/library/x:1 ${imageId}`]);
  });

  test.each([
    [{ [REF_NAME]: 'docker.io/library/x:1' }, 'docker.io/library/x:1'],
    [{ [REF_NAME]: 'a.example/x' }, 'a.example/x:latest'],
    [{ [REF_NAME]: 'latest' }, '-'],
    [{}, '-'],
  ])('takes the name from %j', async (annotations, name) => {
    expect(shown(await load(ociMembers(layers, annotations).members))).toEqual([`${name} ${imageId}`]);
  });

  test('takes names from manifest.json where the index has none', async () => {
    const { config, members } = ociMembers(layers);
    const list = json([{ Config: blobName(config), RepoTags: ['x:1', 'y:1'], Layers: [] }]);
    expect(shown(await load([...members, ['manifest.json', list]]))).toEqual([
      `docker.io/library/x:1 ${imageId}`,
      `docker.io/library/y:1 ${imageId}`,
    ]);
  });

  test('takes this machine’s variant out of an index, and remembers the index', async () => {
    const { manifest, members } = ociMembers(layers);
    const type = 'application/vnd.oci.image.manifest.v1+json';
    const index = json({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [
        { ...descriptorOf(type, 'elsewhere'), platform: { os: 'linux', architecture: 'riscv64' } },
        { ...descriptorOf(type, manifest), platform: { os: 'linux', architecture: 'amd64' } },
        { ...descriptorOf(type, 'attestation'), platform: { os: 'unknown', architecture: 'unknown' } },
      ],
    });
    const entry = {
      ...descriptorOf('application/vnd.oci.image.index.v1+json', index),
      annotations: { [FULL_NAME]: 'x:1' },
    };
    const [loaded] = await load([
      ...replace(members, 'index.json', json({ schemaVersion: 2, manifests: [entry] })),
      [blobName(index), index],
    ]);
    expect(loaded).toMatchObject({
      imageId,
      image: { resolved: digestOf(index), descriptor: { digest: digestOf(manifest) } },
    });
  });

  test('refuses a layout of another version', async () => {
    const members = replace(ociMembers(layers).members, 'oci-layout', '{"imageLayoutVersion":"2.0.0"}');
    await expect(load(members)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });
});

describe('loadArchive() of something damaged leaves the store as it was:', () => {
  async function expectRefused(archive: Members | Uint8Array, code: string): Promise<void> {
    await putSampleImage(store, [layers[1] as SampleLayer], 'already:there');
    const before = storeState();
    await expect(load(archive)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/^cannot read archive "a\.tar": /) as string,
    });
    expect(storeState()).toEqual(before);
    expect(readdirSync(store.temporaryDirectory)).toEqual(['lock']);
  }
  const lie = digestOf('a lie');
  const lying = (): readonly SampleLayer[] =>
    layers.map((layer, index) => (index === 2 ? { ...layer, diffId: lie } : layer));

  test('a wrong diffId, in a docker-archive', async () => {
    await expectRefused(classicMembers(lying(), ['x:1']), 'DIGEST_MISMATCH');
  });

  test('a wrong diffId, in an OCI layout, of a compressed layer', async () => {
    const changed = layers.map((layer, index) => (index === 1 ? { ...layer, diffId: lie } : layer));
    await expectRefused(ociMembers(changed).members, 'DIGEST_MISMATCH');
  });

  test('a diffId that is the digest of the compressed layer', async () => {
    const blob = gzipSync(layers[1]?.tar ?? Buffer.alloc(0));
    await expectRefused(ociMembers([{ tar: blob, diffId: digestOf(blob) }]).members, 'DIGEST_MISMATCH');
  });

  test('fewer diffIds than layers', async () => {
    const config = json(configOf(layers.slice(1)));
    const members = classicMembers(layers, ['x:1']);
    const [name = ''] = members.find(([each]) => each.endsWith('.json')) ?? [];
    await expectRefused(replace(members, name, config), 'DOCUMENT_INVALID');
  });

  test.each([0, 2])('a blob (layer %i) with other bytes than its name says', async (index) => {
    const { members } = ociMembers(layers);
    const [name = '', content = ''] = members[index] ?? [];
    const changed = Buffer.from(content as Uint8Array);
    changed[1000] = (changed[1000] ?? 0) ^ 1;
    await expectRefused(replace(members, name, changed), 'DIGEST_MISMATCH');
  });

  test('a blob with other bytes, though the store has the right ones', async () => {
    const { members } = ociMembers(layers);
    const [name = '', content = ''] = members[2] ?? [];
    await putSampleImage(store, [layers[2] as SampleLayer], 'already:here');
    const changed = Buffer.from(content as Uint8Array);
    changed[1000] = (changed[1000] ?? 0) ^ 1;
    await expectRefused(replace(members, name, changed), 'DIGEST_MISMATCH');
  });

  test('a missing blob', async () => {
    const { members } = ociMembers(layers);
    await expectRefused(members.slice(1), 'ARCHIVE_INVALID');
  });

  test('a layer whose gzip is cut off', async () => {
    const blob = gzipSync(layers[1]?.tar ?? Buffer.alloc(0)).subarray(0, -9);
    const members = classicMembers(layers, ['x:1']);
    const [name = ''] = members[1] ?? [];
    await expectRefused(replace(members, name, blob), 'LAYER_INVALID');
  });

  test('a second image that is wrong, after one that is right', async () => {
    const good = ociMembers(layers, { [FULL_NAME]: 'docker.io/library/good:1' });
    const bad = ociMembers(lying(), { [FULL_NAME]: 'docker.io/library/bad:1' });
    const indexes = [good, bad].map(
      ({ members }) => JSON.parse(members.at(-2)?.[1] as string) as { manifests: object[] },
    );
    const index = json({ schemaVersion: 2, manifests: indexes.flatMap(({ manifests }) => manifests) });
    const others = good.members.filter(([name]) => name !== 'index.json');
    await expectRefused([...others, ...replace(bad.members, 'index.json', index)], 'DIGEST_MISMATCH');
  });

  test('an archive that is cut off, anywhere', async () => {
    const tar = await tarOf(classicMembers(layers, ['x:1']));
    for (const part of [0, 0.1, 0.5, 0.9]) {
      await expectRefused(tar.subarray(0, Math.floor(tar.length * part)), 'ARCHIVE_INVALID');
    }
    const compressed = gzipSync(tar);
    await expectRefused(compressed.subarray(0, -2000), 'ARCHIVE_INVALID');
  });

  test('what is no archive at all', async () => {
    await expectRefused(Buffer.alloc(2000, 'text'), 'ARCHIVE_INVALID');
    await expectRefused([['readme', 'x']], 'ARCHIVE_INVALID');
    await expectRefused([['repositories', '{}']], 'ARCHIVE_INVALID');
    await expectRefused([['manifest.json', Buffer.alloc(21 << 20, ' ')]], 'ARCHIVE_INVALID');
  });

  test('an image config that is far too large', async () => {
    const members = classicMembers(layers, ['x:1']);
    const [name = ''] = members.find(([each]) => each.endsWith('.json')) ?? [];
    await expectRefused(replace(members, name, Buffer.alloc(5 << 20, ' ')), 'ARCHIVE_INVALID');
  });
});

test('loadArchive() passes on the error of its source, and stops when cancelled', async () => {
  const tar = await tarOf(classicMembers(layers, ['x:1']));
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield* chunksOf(tar.subarray(0, 500_000));
    throw new Error('connection lost');
  }
  await expect(loadArchive({ source: failing(), store })).rejects.toThrow('connection lost');
  const cancel = new AbortController();
  async function* hanging(): AsyncGenerator<Uint8Array> {
    yield* chunksOf(tar.subarray(0, 500_000));
    cancel.abort();
    await new Promise(() => undefined);
  }
  await expect(loadArchive({ source: hanging(), store, signal: cancel.signal })).rejects.toMatchObject({
    code: 'ABORTED',
  });
  expect(storeState().blobs).toEqual([]);
});

test('loadArchive() counts the bytes it reads, and keeps what is known of an image that is loaded again', async () => {
  const tar = await tarOf(classicMembers(layers, ['x:1']));
  let bytes = 0;
  const [loaded] = await loadArchive({ source: streamOf([tar]), store, onBytes: (count) => (bytes += count) });
  expect(bytes).toBe(tar.length);
  const known = { ...(loaded as LoadedImage).image, resolved: digestOf('index') };
  await store.images.put(known);
  await load(tar);
  expect(await store.images.list()).toEqual([known]);
});
