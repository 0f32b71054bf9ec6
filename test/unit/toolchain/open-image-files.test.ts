import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pack, type Header } from 'tar-stream';
import { exploreImage } from '../../../src/cli/explore/explored-image.js';
import { imageDifference, SECTIONS } from '../../../src/cli/diff/image-difference.js';
import type { ChangedFile } from '../../../src/layers/compare/compare-files.js';
import { parseImageLocation } from '../../../src/registry/copy/image-location.js';
import { openStore } from '../../../src/store/open-store.js';
import { bytesOfText, textOfBytes } from '../../../src/support/byte-string.js';
import { createToolchain } from '../../../src/toolchain.js';
import type { ImageFiles } from '../../../src/layers/compare/image-files.js';
import type { Toolchain } from '../../../src/toolchain/toolchain-types.js';
import { putSampleImage, putUnpairedImage, type Compression } from '../../support/sample-images.js';

type Entry = readonly [header: Partial<Header> & { readonly name: string }, content?: string];

async function tar(...entries: Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const [header, content = ''] of entries) archive.entry({ mtime: new Date(0), ...header }, content);
  archive.finalize();
  return await buffer(Readable.from(archive));
}

const dpkg = (...versions: readonly (readonly [string, string])[]): string =>
  versions.map(([name, version]) => `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\n`).join('\n');

let place: string;
let toolchain: Toolchain;
const open = async (name: string): Promise<ImageFiles> =>
  await toolchain.imageFiles(parseImageLocation(name, place), {});

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-files-'));
  using store = await openStore(place);
  const base = await tar(
    [{ name: 'etc/same' }, 'same'],
    [{ name: 'etc/content' }, 'one'],
    [{ name: 'etc/mode', mode: 0o644 }, 'mode'],
    [{ name: 'etc/gone' }, 'gone!'],
    [{ name: 'lnk', type: 'symlink', linkname: 'etc/same' }],
    [{ name: 'var/lib/dpkg/status' }, dpkg(['bash', '5.1'], ['dash', '1'])],
  );
  const next = await tar(
    [{ name: 'etc/same' }, 'same'],
    [{ name: 'etc/content' }, 'two'],
    [{ name: 'etc/mode', mode: 0o600, uid: 7 }, 'mode'],
    [{ name: 'etc/.wh.gone' }],
    [{ name: 'lnk', type: 'symlink', linkname: 'etc/mode' }],
    [{ name: 'new/file' }, 'new'],
    [{ name: 'var/lib/dpkg/status' }, dpkg(['bash', '5.2'], ['zsh', '2'])],
  );
  for (const compression of ['none', 'gzip'] as Compression[]) {
    await putSampleImage(store, [{ tar: base, compression }], `base-${compression}:1`);
    await putSampleImage(
      store,
      [
        { tar: base, compression },
        { tar: next, compression },
      ],
      `next-${compression}:1`,
    );
  }
  await putUnpairedImage(store, 'unpaired:1');
  toolchain = await createToolchain({ storeRoot: place, env: {} });
});
afterAll(async () => {
  await toolchain[Symbol.asyncDispose]();
  rmSync(place, { recursive: true, force: true });
});

const facts = (files: readonly ChangedFile[]): Record<string, string> =>
  Object.fromEntries(
    files.map(({ path, before, after, aspects }) => [
      textOfBytes(path),
      before === undefined ? 'added' : after === undefined ? 'removed' : aspects.join(),
    ]),
  );

const EXPECTED = {
  'etc/content': 'content',
  'etc/gone': 'removed',
  'etc/mode': 'mode,owner',
  lnk: 'link',
  new: 'added',
  'new/file': 'added',
  'var/lib/dpkg/status': 'size,content',
};

describe('Toolchain.imageFiles', () => {
  test.each([
    ['tars', 'base-none:1', 'next-none:1'],
    ['gzip, in one pass', 'base-gzip:1', 'next-gzip:1'],
    ['either', 'base-gzip:1', 'next-none:1'],
  ])('compares files of images whose layers are %s', async (_, one, other) => {
    await using before = await open(one);
    await using after = await open(other);
    expect(facts(await before.compare(after, { times: false }))).toEqual(EXPECTED);
    expect(facts(await after.compare(before, { times: false }))).toEqual({
      ...EXPECTED,
      'etc/gone': 'added',
      new: 'removed',
      'new/file': 'removed',
    });
  });

  test('finds no difference between an image and the same one compressed', async () => {
    await using before = await open('next-none:1');
    await using after = await open('next-gzip:1');
    expect(await before.compare(after, { times: true })).toEqual([]);
  });

  test('reads small files, and leaves out those that are missing or too large', async () => {
    await using files = await open('next-gzip:1');
    const paths = ['etc/content', 'lnk', 'missing', 'var/lib/dpkg/status'].map(bytesOfText);
    const read = await files.read(paths, { maxBytes: 10 });
    expect([...read].map(([path, bytes]) => [path, bytes.toString()])).toEqual([
      ['etc/content', 'two'],
      ['lnk', 'mode'],
    ]);
  });

  test('refuses a platform that the store has not, and names what it has', async () => {
    const opened = toolchain.imageFiles({ transport: 'store', name: 'base-none:1' }, { platform: 'linux/arm64' });
    await expect(opened).rejects.toMatchObject({
      code: 'PLATFORM_NOT_FOUND',
      hint: expect.stringContaining('linux/amd64') as string,
    });
  });

  test('refuses an image whose config names other layers than its manifest', async () => {
    await expect(open('unpaired:1')).rejects.toMatchObject({
      code: 'DOCUMENT_INVALID',
      details: { path: 'rootfs.diff_ids' },
    });
  });

  test('says how packages, configuration and layers differ', async () => {
    await using before = await open('base-gzip:1');
    await using after = await open('next-gzip:1');
    const named = [before, after].map((files, index) => ({ name: String(index), files }));
    const [one, other] = named;
    if (one === undefined || other === undefined) throw new Error('two images');
    const difference = await imageDifference(one, other, { sections: new Set(SECTIONS), times: false });
    expect(difference.config).toEqual([]);
    expect(difference.layers?.map(({ of }) => of)).toEqual(['both', 'after']);
    expect(difference.packages).toEqual({
      changes: [
        { manager: 'dpkg', name: 'bash', before: '5.1', after: '5.2' },
        { manager: 'dpkg', name: 'dash', before: '1', after: undefined },
        { manager: 'dpkg', name: 'zsh', before: undefined, after: '2' },
      ],
      unread: [],
    });
  });

  test.each(['none', 'gzip'])('finds what is wasted in layers of compression %s', async (compression) => {
    await using files = await open(`next-${compression}:1`);
    const { waste, layers, treeOf } = await exploreImage('image', files);
    const status = dpkg(['bash', '5.1'], ['dash', '1']).length;
    const wasted = status + 'gone!'.length + 'same'.length + 'mode'.length + 'one'.length;
    expect(waste.files.map(({ path, fate, bytes }) => [path, fate, bytes])).toEqual([
      ['var/lib/dpkg/status', 'overwritten', status],
      ['etc/gone', 'removed', 5],
      ['etc/mode', 'overwritten', 4],
      ['etc/same', 'overwritten', 4],
      ['etc/content', 'overwritten', 3],
    ]);
    expect(waste.wastedBytes).toBe(wasted);
    expect(waste.efficiency).toBeCloseTo(1 - wasted / waste.bytes);
    expect(layers.map((layer) => layer.wastedBytes)).toEqual([wasted, 0]);
    const etc = treeOf(1).children.find(({ name }) => name === 'etc');
    expect(etc?.children.map(({ name, mark }) => `${name} ${mark}`)).toEqual([
      'content changed',
      'gone removed',
      'mode changed',
      'same changed',
    ]);
    // What was removed takes no space in what is left.
    expect(etc?.bytes).toBe('twomodesame'.length);
  });
});
