import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadArchive } from '../../src/registry/archive/read/load-archive.js';
import { readContent } from '../../src/registry/copy/image-content.js';
import { openLayout, writeLayout } from '../../src/registry/copy/oci-layout.js';
import { storeSource } from '../../src/registry/copy/store-content.js';
import { digestOf } from '../../src/oci/digest.js';
import { openStore, type OpenStore } from '../../src/store/open-store.js';
import { blobName, descriptorOf, json, ociMembers, tarOf, type Members } from '../support/archive-builder.js';
import { streamOf } from '../support/byte-source.js';
import { layerTar, putSampleImage, type SampleLayer } from '../support/sample-images.js';

// Attacks on those who read and write image archives and layouts, by the advisory that told of them.

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

let folder: string;
let store: OpenStore;
let layers: readonly SampleLayer[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'security-archives-'));
  writeFileSync(join(folder, 'canary'), 'alive');
  store = await openStore(join(folder, 'store'));
  layers = [{ tar: await layerTar({ a: 'b' }) }];
});
afterEach(() => {
  store[Symbol.dispose]();
  expect(readFileSync(join(folder, 'canary'), 'utf8'), 'THE CANARY WAS CHANGED').toBe('alive');
  rmSync(folder, { recursive: true });
});

async function expectRefused(archive: Members | Uint8Array, code: string): Promise<void> {
  const bytes = archive instanceof Uint8Array ? archive : await tarOf(archive);
  await expect(loadArchive({ source: streamOf([bytes]), store })).rejects.toMatchObject({ code });
  expect(await store.images.list()).toEqual([]);
  expect(readdirSync(join(store.root, 'blobs/sha256'))).toEqual([]);
}

const replace = (members: Members, name: string, member: string): Members =>
  members.map(([each, old]) => [each, each === name ? member : old]);

function writeFolder(members: Members): string {
  const path = join(folder, 'layout');
  for (const [name, member] of members) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    if (typeof member === 'string' || member instanceof Uint8Array) writeFileSync(join(path, name), member);
  }
  return path;
}

describe('CVE-2024-3727: digests are checked before they become paths', () => {
  test.each(['sha256:../../../../canary', 'sha256:/etc/passwd', `sha256:${'A'.repeat(64)}`, '../../canary'])(
    '%s',
    async (digest) => {
      const { members } = ociMembers(layers);
      const index = json({ schemaVersion: 2, manifests: [{ mediaType: MANIFEST, digest, size: 5 }] });
      await expectRefused(replace(members, 'index.json', index), 'DOCUMENT_INVALID');
      const path = writeFolder(replace(members, 'index.json', index));
      const loading = loadArchive({ source: { layout: path }, store });
      await expect(loading).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
      const manifest = json({
        schemaVersion: 2,
        mediaType: MANIFEST,
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 5 },
        layers: [],
      });
      const entry = { schemaVersion: 2, manifests: [descriptorOf(MANIFEST, manifest)] };
      const named = [...replace(members, 'index.json', json(entry)), [blobName(manifest), manifest] as const];
      await expectRefused(named, 'DOCUMENT_INVALID');
    },
  );
});

describe('CVE-2020-1702: documents that fill the memory are refused', () => {
  test.each(['index.json', 'manifest.json', 'oci-layout'])('%s', async (name) => {
    const { members } = ociMembers(layers);
    await expectRefused(
      [...members.filter(([each]) => each !== name), [name, Buffer.alloc(21 << 20, ' ')]],
      'ARCHIVE_INVALID',
    );
  });

  test('a manifest', async () => {
    const manifest = `{"schemaVersion":2,"x":"${'x'.repeat(5 << 20)}"}`;
    const index = json({ schemaVersion: 2, manifests: [descriptorOf(MANIFEST, manifest)] });
    const { members } = ociMembers(layers);
    await expectRefused([...replace(members, 'index.json', index), [blobName(manifest), manifest]], 'ARCHIVE_INVALID');
  });
});

describe('CVE-2021-41190: a document is an image or an index, not both', () => {
  const both = (manifest: string): string => json({ ...(JSON.parse(manifest) as object), manifests: [] });

  test.each([MANIFEST, INDEX])('given as %s', async (mediaType) => {
    const { members, manifest } = ociMembers(layers);
    const document = both(manifest);
    const index = json({ schemaVersion: 2, manifests: [descriptorOf(mediaType, document)] });
    const hostile = [...replace(members, 'index.json', index), [blobName(document), document] as const];
    await expectRefused(hostile, 'DOCUMENT_INVALID');
    const source = await openLayout(writeFolder(hostile));
    const root = { mediaType: mediaType as typeof MANIFEST, digest: digestOf(document), size: document.length };
    const reading = readContent(root, { name: 'x', source, platforms: 'all' });
    await expect(reading).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
  });
});

describe('what is checked is what is used', () => {
  test.each(['index.json', 'manifest.json'])('two members "%s" that differ are refused', async (name) => {
    const { members } = ociMembers(layers);
    await expectRefused([[name, '[]'], ...members, [name, '{}']], 'ARCHIVE_INVALID');
  });

  test('an index that goes round in circles, or on and on, is refused', async () => {
    const { members } = ociMembers(layers);
    let document = json({ schemaVersion: 2, mediaType: INDEX, manifests: [] });
    const nested: Members[number][] = [];
    for (let depth = 0; depth < 12; depth += 1) {
      nested.push([blobName(document), document]);
      document = json({ schemaVersion: 2, mediaType: INDEX, manifests: [descriptorOf(INDEX, document)] });
    }
    nested.push([blobName(document), document]);
    const index = json({ schemaVersion: 2, manifests: [descriptorOf(INDEX, document)] });
    await expectRefused([...replace(members, 'index.json', index), ...nested], 'ARCHIVE_INVALID');
    const source = await openLayout(writeFolder([...replace(members, 'index.json', index), ...nested]));
    const root = { mediaType: INDEX, digest: digestOf(document), size: document.length } as const;
    const reading = readContent(root, { name: 'x', source, platforms: 'all' });
    await expect(reading).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
  });

  test('a member that claims more bytes than there are is cut off, not made room for', async () => {
    const tar = await tarOf([['big', Buffer.alloc(512)]]);
    for (const size of ['77777777777 ', Buffer.from('800000000000000000ffffff', 'hex').toString('latin1')]) {
      const hostile = Buffer.from(tar);
      hostile.write(size, 124, 12, 'latin1');
      hostile.write('        ', 148, 'latin1');
      const sum = hostile.subarray(0, 512).reduce((all, byte) => all + byte, 0);
      hostile.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
      await expectRefused(hostile, 'ARCHIVE_INVALID');
    }
  });
});

describe('links in a layout lead nowhere', () => {
  test('a blob, when it is read', async () => {
    const { members, manifest } = ociMembers(layers);
    const path = writeFolder(members);
    const blob = join(path, blobName(manifest));
    rmSync(blob);
    writeFileSync(join(folder, 'outside'), manifest);
    symlinkSync(join(folder, 'outside'), blob);
    await expect(loadArchive({ source: { layout: path }, store })).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    const source = await openLayout(path);
    const root = { mediaType: MANIFEST, digest: digestOf(manifest), size: manifest.length } as const;
    await expect(readContent(root, { name: 'x', source })).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });

  test('a blob and index.json, when they are written', async () => {
    const { image, layers: stored } = await putSampleImage(store, layers, 'x:1');
    const content = await readContent(image.descriptor, { name: 'x', source: storeSource(store) });
    const path = writeFolder([
      ['oci-layout', json({ imageLayoutVersion: '1.0.0' })],
      ['index.json', json({ schemaVersion: 2, manifests: [] })],
      ['blobs/sha256/x', ''],
    ]);
    const blob = join(path, 'blobs/sha256', stored[0]?.digest.slice(7) ?? '');
    symlinkSync(join(folder, 'canary'), blob);
    await writeLayout(path, { blobs: content.blobs, contents: [content], entries: [content.root] });
    expect(readFileSync(blob).equals(Buffer.from(layers[0]?.tar ?? ''))).toBe(true);
    rmSync(join(path, 'index.json'));
    symlinkSync(join(folder, 'canary'), join(path, 'index.json'));
    await expect(
      writeLayout(path, { blobs: content.blobs, contents: [content], entries: [content.root] }),
    ).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });
});
