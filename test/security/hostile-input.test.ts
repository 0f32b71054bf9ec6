import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lookUpUser } from '../../src/builder/operations/user-lookup.js';
import { applyLayer } from '../../src/layers/apply/apply-layer.js';
import type { Change } from '../../src/layers/change.js';
import { createDirectoryTree } from '../../src/layers/directory-tree.js';
import { openTarTree } from '../../src/layers/tar-tree.js';
import { readTar } from '../../src/layers/tar/read-tar.js';
import type { TarLimits } from '../../src/layers/tar/tar-parser.js';
import type { Tree } from '../../src/layers/tree.js';
import { loadArchive } from '../../src/registry/archive/read/load-archive.js';
import { openStore, type OpenStore } from '../../src/store/open-store.js';
import { bytesOfText } from '../../src/support/byte-string.js';
import { isTsbuildError } from '../../src/support/errors.js';
import { blobName, descriptorOf, json, ociMembers, tarOf, type Members } from '../support/archive-builder.js';
import { inChunks, streamOf } from '../support/byte-source.js';
import { directory, file, hardlink, layerTar, symlink, whiteout } from '../support/layer-entries.js';
import * as samples from '../support/sample-images.js';

// Attacks on memory, time and trust by what an archive claims, each by the advisory that told of it.

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'hostile-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;

/** The checksum of a header made right. */
function sealed(header: Buffer): Buffer {
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

interface SparseHeader {
  readonly extents: readonly (readonly [offset: number, length: number])[];
  readonly size: number;
  readonly stored?: number;
  readonly isExtended?: boolean;
}

/** The header of a sparse file of GNU's old format. */
function sparseHeader({ extents, size, stored = 0, isExtended = false }: SparseHeader): Buffer {
  const header = Buffer.alloc(512);
  header.write('s');
  header.write(octal(stored, 11), 124);
  header.write('S', 156);
  header.write('ustar  \0', 257);
  for (const [index, [offset, length]] of extents.entries()) {
    header.write(octal(offset, 11), 386 + 24 * index);
    header.write(octal(length, 11), 386 + 24 * index + 12);
  }
  header[482] = isExtended ? 1 : 0;
  header.write(octal(size, 11), 483);
  return sealed(header);
}

function paxRecord(key: string, value: string): string {
  const body = ` ${key}=${value}\n`;
  let length = body.length + 1;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return `${length}${body}`;
}

/** A file of the given content, with an extended header of such records, their keys without `GNU.sparse.`. */
async function paxSparse(records: readonly (readonly [key: string, value: string])[], content = ''): Promise<Buffer> {
  const text = records.map(([key, value]) => paxRecord(`GNU.sparse.${key}`, value)).join('');
  const header = Buffer.alloc(512);
  header.write('meta');
  header.write(octal(text.length, 11), 124);
  header.write('x', 156);
  header.write('ustar\x0000', 257);
  const padded = Buffer.alloc(Math.ceil(text.length / 512) * 512);
  padded.write(text, 'latin1');
  return Buffer.concat([sealed(header), padded, await layerTar(file('s', content))]);
}

async function sizesOf(tar: Uint8Array, limits: TarLimits = {}): Promise<number[]> {
  const sizes: number[] = [];
  for await (const { entry } of readTar(inChunks(tar), limits)) sizes.push(entry.size);
  return sizes;
}

const VERSION_1 = [
  ['major', '1'],
  ['minor', '0'],
] as const;

describe('CVE-2017-14992: a sparse file claims no more than it may', () => {
  const KIB = Buffer.alloc(1024);
  test.each<[string, () => Buffer | Promise<Buffer>]>([
    [
      'parts that overlap',
      () =>
        Buffer.concat([
          sparseHeader({
            extents: [
              [0, 512],
              [256, 512],
            ],
            size: 2000,
            stored: 1024,
          }),
          KIB,
        ]),
    ],
    [
      'parts out of order',
      () =>
        Buffer.concat([
          sparseHeader({
            extents: [
              [1024, 512],
              [0, 512],
            ],
            size: 2000,
            stored: 1024,
          }),
          KIB,
        ]),
    ],
    [
      'a part beyond its end',
      () => Buffer.concat([sparseHeader({ extents: [[1024, 1024]], size: 1500, stored: 1024 }), KIB]),
    ],
    [
      'less content than its parts',
      () => Buffer.concat([sparseHeader({ extents: [[0, 1024]], size: 2000, stored: 512 }), KIB]),
    ],
    [
      'more content than its parts',
      () => Buffer.concat([sparseHeader({ extents: [[0, 512]], size: 2000, stored: 1024 }), KIB]),
    ],
    ['8 GiB of holes', () => sparseHeader({ extents: [], size: 2 ** 33 - 1 })],
    [
      'parts without end',
      () => Buffer.concat([sparseHeader({ extents: [], size: 9, isExtended: true }), endlessParts()]),
    ],
    ['a size that is no number', () => paxSparse([...VERSION_1, ['realsize', '1e9']], '0\n')],
    ['a size beyond what a number holds', () => paxSparse([...VERSION_1, ['realsize', '9999999999999999']], '0\n')],
    ['no size', () => paxSparse(VERSION_1, '0\n')],
    ['a petabyte of holes', () => paxSparse([...VERSION_1, ['realsize', '1125899906842624']], '0\n'.padEnd(512, '\0'))],
    ['a map that is none', () => paxSparse([...VERSION_1, ['realsize', '9']], 'nonsense\n'.padEnd(512))],
    ['a map without lines', () => paxSparse([...VERSION_1, ['realsize', '9']], '1'.repeat(2048))],
    ['a map of a million parts', () => paxSparse([...VERSION_1, ['realsize', '9']], '1000000\n'.padEnd(512, '0\n'))],
    [
      'a map longer than the content',
      () => paxSparse([...VERSION_1, ['realsize', '9']], '400\n'.padEnd(512, '0\n0\n')),
    ],
    ['no content where the map should be', () => paxSparse([...VERSION_1, ['realsize', '9']])],
    [
      'fewer parts than it says',
      () =>
        paxSparse(
          [
            ['size', '9'],
            ['numblocks', '2'],
            ['map', '0,1'],
          ],
          'x',
        ),
    ],
    [
      'half a part',
      () =>
        paxSparse(
          [
            ['size', '9'],
            ['numblocks', '1'],
            ['offset', '0'],
          ],
          'x',
        ),
    ],
    [
      'a part without its beginning',
      () =>
        paxSparse(
          [
            ['size', '9'],
            ['numblocks', '1'],
            ['numbytes', '1'],
          ],
          'x',
        ),
    ],
    [
      'a version that is unknown',
      () =>
        paxSparse(
          [
            ['major', '2'],
            ['minor', '0'],
            ['realsize', '9'],
          ],
          '0\n',
        ),
    ],
    ['a name with a NUL', () => paxSparse([...VERSION_1, ['name', 'a\0b'], ['realsize', '9']], '0\n')],
    ['a name that climbs', () => paxSparse([...VERSION_1, ['name', '../b'], ['realsize', '9']], '0\n')],
  ])('%s', async (_, archive) => {
    await expect(sizesOf(await archive())).rejects.toMatchObject({ code: 'LAYER_INVALID' });
  });

  test('unless whoever reads it allows for more', async () => {
    const tar = sparseHeader({ extents: [], size: 2 ** 31 });
    await expect(sizesOf(tar)).rejects.toMatchObject({ code: 'LAYER_INVALID' });
    const parsed = await firstSize(tar, { maxSparseRatio: Infinity });
    expect(parsed).toBe(2 ** 31);
  });

  test('and says no more of a file than the archive does', async () => {
    const tar = Buffer.concat([
      sparseHeader({ extents: [[600, 5]], size: 2000, stored: 5 }),
      Buffer.alloc(512, 'hello'),
    ]);
    expect(await sizesOf(tar)).toEqual([2000]);
  });
});

async function firstSize(tar: Uint8Array, limits: TarLimits): Promise<number | undefined> {
  for await (const { entry } of readTar(inChunks(tar), limits)) return entry.size;
  return undefined;
}

function endlessParts(): Buffer {
  const block = Buffer.alloc(512);
  for (let part = 0; part < 21; part++) block.write(octal(0, 11) + octal(0, 11), 24 * part);
  block[504] = 1;
  return Buffer.concat(Array.from({ length: 3200 }, () => block));
}

describe('CVE-2026-28406: a build context that is an archive', () => {
  const opened = async (...entries: readonly Change[]): Promise<Tree> => {
    const archive = path.join(folder, 'context.tar');
    writeFileSync(archive, await layerTar(...entries));
    return await openTarTree(archive);
  };

  test.each([
    ['a name that climbs', [file('../canary', 'evil')]],
    ['a hard link that climbs', [hardlink('h', '../canary')]],
    ['a hard link to what is only outside', [hardlink('h', 'etc/passwd')]],
  ])('is refused for %s', async (_, entries) => {
    await expect(opened(...entries)).rejects.toMatchObject({ code: 'LAYER_INVALID' });
  });

  test('CVE-2026-44517: has links that lead nowhere but within itself', async () => {
    const tree = await opened(symlink('Dockerfile', '/etc/passwd'), symlink('up', '../../../etc'), file('up/x', 'in'));
    expect(tree.lstat(bytesOfText('Dockerfile'))).toMatchObject({ type: 'symlink' });
    expect(tree.list(bytesOfText('up'))).toEqual([]);
    expect(tree.list(bytesOfText('etc'))).toEqual(['x']);
  });

  test('CVE-2025-64118: gives no memory away when the archive shrinks while it is read', async () => {
    const tree = await opened(file('f', 'x'.repeat(5000)));
    truncateSync(path.join(folder, 'context.tar'), 600);
    expect(() => [...tree.read(bytesOfText('f'))]).toThrow(expect.objectContaining({ code: 'LAYER_INVALID' }) as Error);
  });
});

describe('CVE-2019-14271: a root file system', () => {
  test('has nothing in it that this process loads or runs', async () => {
    const root = path.join(folder, 'root');
    mkdirSync(root);
    const library = 'lib/x86_64-linux-gnu/libnss_evil.so.2';
    const layer = await layerTar(
      file('etc/nsswitch.conf', 'passwd: evil\ngroup: evil\n'),
      file('etc/passwd', 'ana:x:7:8::/home/ana:/bin/sh\n'),
      file('etc/group', 'all:x:9:ana\n'),
      file('etc/ld.so.preload', `/${library}\n`),
      file(library, '\x7fELF', { mode: 0o755 }),
      directory('old'),
    );
    const target = { root: bytesOfText(root), ownership: 'recorded', owners: new Map(), overlay: null } as const;
    await applyLayer(inChunks(layer), target);
    await applyLayer(inChunks(await layerTar(whiteout('old'))), target);
    expect(lookUpUser(createDirectoryTree(root), 'ana')).toMatchObject({ uid: 7, gid: 8, groups: [8, 9] });
    expect(readFileSync('/proc/self/maps', 'latin1')).not.toContain(folder);
  });
});

describe('an image archive', () => {
  let store: OpenStore;
  const layers: samples.SampleLayer[] = [];
  beforeEach(async () => {
    layers.splice(0, 1, { tar: await samples.layerTar({ a: 'b' }) });
    store = await openStore(path.join(folder, 'store'));
  });
  afterEach(() => {
    store[Symbol.dispose]();
  });
  const load = (archive: AsyncIterable<Uint8Array>) => loadArchive({ source: archive, store });

  test('CVE-2023-25153: is given up long before its endless document ends', async () => {
    let produced = 0;
    const header = Buffer.from(await tarOf([['manifest.json', '']])).subarray(0, 512);
    header.write(octal(2 ** 31, 11), 124);
    const endless = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      yield sealed(header);
      for (const chunk = Buffer.alloc(1 << 20, ' '); produced < 2 ** 31; produced += chunk.length)
        yield await Promise.resolve(chunk);
    };
    await expect(load(endless())).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    expect(produced).toBeLessThan(64 << 20);
  });

  test('GHSA-f36w-mj3v-6jqv: gets no room for the size that a descriptor claims', async () => {
    const { members, manifest } = ociMembers(layers);
    const claimed = { ...descriptorOf('application/vnd.oci.image.manifest.v1+json', manifest), size: 2 ** 50 };
    const index = json({ schemaVersion: 2, manifests: [claimed] });
    const hostile: Members = members.map(([name, member]) => [name, name === 'index.json' ? index : member]);
    const before = process.memoryUsage.rss();
    await expect(load(streamOf([await tarOf(hostile)]))).rejects.toSatisfy((error) => isTsbuildError(error));
    expect(process.memoryUsage.rss() - before).toBeLessThan(256 << 20);
  });

  test('CVE-2021-21285: is refused in words, whatever its documents are', async () => {
    const { members, manifest, config } = ociMembers(layers);
    const odd = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom<unknown>(null, [], [null], { __proto__: null }, { schemaVersion: 2, manifests: [null] }),
      fc.dictionary(
        fc.constantFrom('manifests', 'layers', 'config', 'schemaVersion', 'rootfs', 'digest'),
        fc.jsonValue({ maxDepth: 1 }),
      ),
    );
    const documents = fc.tuple(odd, fc.constantFrom('index.json', 'oci-layout', blobName(manifest), blobName(config)));
    await fc.assert(
      fc.asyncProperty(documents, async ([document, place]) => {
        const hostile: Members = members.map(([name, member]) => [name, name === place ? json(document) : member]);
        const outcome = await load(streamOf([await tarOf(hostile)])).catch((error: unknown) => error);
        expect(outcome instanceof Error && !isTsbuildError(outcome), String(outcome)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });
});
