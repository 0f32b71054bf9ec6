import { lstat, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Change } from '../../src/layers/change.js';
import { createCopySnapshotter } from '../../src/layers/copy-snapshotter.js';
import { createOverlaySnapshotter } from '../../src/layers/overlay-snapshotter.js';
import type { Snapshotter } from '../../src/layers/snapshotter.js';
import { readTar } from '../../src/layers/tar/read-tar.js';
import { digestOf } from '../../src/oci/digest.js';
import type { ChainId } from '../../src/oci/layer.js';
import { inChunks } from '../support/byte-source.js';
import { directory, file, hardlink, layerTar, opaque, symlink, whiteout } from '../support/layer-entries.js';
import { listTree } from '../support/listing.js';

// Attacks on those who unpack archives, each by the advisory that told of it. A canary beside the root must live.

const ownership = process.getuid?.() === 0 ? 'real' : 'recorded';
const id = (name: string): ChainId => digestOf(name) as ChainId;

let folder: string;
let outside: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'escape-'));
  outside = path.join(folder, 'outside');
  await mkdir(path.join(outside, 'directory'), { recursive: true });
  await writeFile(path.join(outside, 'canary'), 'alive', { mode: 0o640 });
  await utimes(path.join(outside, 'canary'), 77, 77);
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function assertCanaryLives(): Promise<void> {
  const canary = path.join(outside, 'canary');
  const { mode, mtimeMs, nlink, uid } = await lstat(canary);
  expect(
    { content: await readFile(canary, 'utf8'), mode: mode & 0o7777, mtimeMs, nlink, uid },
    'THE CANARY IS DEAD',
  ).toEqual({ content: 'alive', mode: 0o640, mtimeMs: 77_000, nlink: 1, uid: process.getuid?.() });
  expect((await readdir(outside)).sort(), 'SOMETHING WAS WRITTEN OUTSIDE').toEqual(['canary', 'directory']);
  expect(await readdir(path.join(outside, 'directory')), 'SOMETHING WAS WRITTEN OUTSIDE').toEqual([]);
}

interface Attack {
  readonly name: string;
  /** Layers, bottommost first, that know where the canary is. */
  readonly layers: (outside: string) => readonly (readonly Change[])[];
  /** What is in the root afterwards; `refused` when the layer must not be applied at all. */
  readonly result: 'refused' | 'harmless' | readonly string[];
}

const evil = (target: string): Change => file(target, 'evil', { mode: 0o4777 });
const up = '../'.repeat(12);

const ATTACKS: readonly Attack[] = [
  { name: 'CVE-2020-10696: .. in a name', layers: (to) => [[evil(`${up}${to}/canary`)]], result: 'refused' },
  {
    name: 'CVE-2020-10696: .. after a directory',
    layers: () => [[evil('a/../../../outside/canary')]],
    result: 'refused',
  },
  { name: 'CVE-2021-32804: an absolute name', layers: (to) => [[evil(`${to}/canary`)]], result: 'harmless' },
  {
    name: 'CVE-2021-32804: an absolute name of many slashes',
    layers: (to) => [[evil(`///${to}/canary`)]],
    result: 'harmless',
  },
  {
    name: 'CVE-2021-32803: a directory swapped for a link before it is written to',
    layers: (to) => [[directory('d'), file('d/x'), symlink('d', to), evil('d/canary')]],
    result: 'harmless',
  },
  {
    name: 'CVE-2021-37701: a link, written through',
    layers: (to) => [[symlink('l', to), evil('l/canary'), directory('l/directory/new')]],
    result: 'harmless',
  },
  {
    name: 'CVE-2021-37712: a link of a lower layer, written through',
    layers: (to) => [[symlink('l', to)], [evil('l/canary'), whiteout('l/directory'), opaque('l')]],
    result: 'harmless',
  },
  {
    name: 'CVE-2025-48387: a relative link that climbs',
    layers: (to) => [[symlink('l', `${up}${to}`), evil('l/canary')]],
    result: 'harmless',
  },
  {
    name: 'CVE-2026-17106: an absolute link inside leads inside',
    layers: () => [
      [
        directory('run'),
        directory('var'),
        symlink('var/run', '/run'),
        file('var/run/x', '1'),
        symlink('e', '/etc'),
        file('e/pwn', '2'),
      ],
    ],
    result: [
      'e symlink 0:0 =/etc',
      'etc directory 755 0:0',
      'etc/pwn file 644 0:0 "2"',
      'run directory 755 0:0',
      'run/x file 644 0:0 "1"',
      'var directory 755 0:0',
      'var/run symlink 0:0 =/run',
    ],
  },
  {
    name: 'CVE-2026-23745: a hard link to an absolute name',
    layers: (to) => [[hardlink('h', `${to}/canary`), evil('h')]],
    result: 'refused',
  },
  {
    name: 'GHSA-34x7-hfp2-rc4v: a hard link that climbs',
    layers: () => [[directory('d'), hardlink('d/h', '../../outside/canary')]],
    result: 'refused',
  },
  {
    // In the working directory of this process there is one of that name.
    name: 'CVE-2026-50163: a hard link to a file beside the process',
    layers: () => [[hardlink('h', 'package.json')]],
    result: 'refused',
  },
  {
    name: 'GHSA-r6q2-hw4h-h46w: names that only a ligature holds for equal',
    layers: (to) => [[symlink('\ufb01les', to), directory('files'), file('files/canary', 'x')]],
    result: 'harmless',
  },
  {
    name: 'CVE-2026-42574: a link of one layer, a directory of the next, written to by a third',
    layers: (to) => [[symlink('l', to)], [directory('l')], [evil('l/canary'), whiteout('l/directory')]],
    result: ['l directory 755 0:0', 'l/canary file 4777 0:0 "evil"'],
  },
  {
    name: 'CVE-2026-17106: a hard link by way of an absolute link',
    layers: () => [[directory('run'), file('run/f', '1'), symlink('var', '/run'), hardlink('h', 'var/f')]],
    result: ['h file 644 0:0 "1"', 'run directory 755 0:0', 'run/f file 644 0:0 "1"', 'var symlink 0:0 =/run'],
  },
  {
    name: 'CVE-2026-26960: a hard link through a chain of links',
    layers: (to) => [
      [
        directory('a'),
        directory('a/b'),
        directory('a/b/c'),
        symlink('a/b/c/up', '../..'),
        symlink('a/b/escape', `c/up/../../..${to}`),
        hardlink('exfil', 'a/b/escape/canary'),
      ],
    ],
    result: 'refused',
  },
  {
    name: 'CVE-2025-59343: a hard link to a link, written to',
    layers: (to) => [[symlink('l', `${to}/canary`), hardlink('h', 'l'), evil('h'), evil('l')]],
    result: ['h file 4777 0:0 "evil"', 'l file 4777 0:0 "evil"'],
  },
  {
    name: 'CVE-2021-32760: a mode set through a link',
    layers: (to) => [
      [symlink('l', `${to}/canary`, { mode: 0o4777 }), hardlink('h', 'l')],
      [hardlink('i', 'l'), symlink('l', `${to}/canary`, { mode: 0o4777, uid: 9 })],
    ],
    result: 'harmless',
  },
  {
    name: 'CVE-2021-32760: a directory given a mode after it became a link',
    layers: (to) => [[directory('d', { mode: 0o4777 }), directory('d/directory', { mode: 0o1777 }), symlink('d', to)]],
    result: 'harmless',
  },
  {
    name: 'CVE-2021-29136: a link in the place of the root',
    layers: (to) => [[symlink('', to), evil('canary')]],
    result: 'refused',
  },
  { name: 'CVE-2021-29136: the root as ./', layers: (to) => [[symlink('./', to)]], result: 'refused' },
  {
    name: 'CVE-2024-12905: a link that leads to itself',
    layers: () => [[symlink('a', 'b'), symlink('b', 'a'), evil('a/x')]],
    result: 'refused',
  },
  {
    name: 'GHSA-rp3h-jf77-q9p4: links that multiply',
    layers: () => [
      [
        directory('z'),
        ...Array.from({ length: 30 }, (_, depth) =>
          symlink(`l${depth}`, depth === 0 ? 'z' : Array.from({ length: 8 }, () => `l${depth - 1}`).join('/../')),
        ),
        evil('l29/x'),
      ],
    ],
    result: 'refused',
  },
  {
    name: 'CVE-2021-37713: backslashes are part of a name',
    layers: () => [[file('..\\..\\outside\\canary', 'x')]],
    result: ['..\\..\\outside\\canary file 644 0:0 "x"'],
  },
  {
    name: 'CVE-2026-23745: names that only Unicode holds for equal',
    layers: (to) => [[symlink('caf\u00e9', to), directory('cafe\u0301'), file('cafe\u0301/canary', 'x')]],
    result: 'harmless',
  },
  {
    name: 'a file through a file',
    layers: () => [[file('f', 'x'), file('f/g', 'y')]],
    result: ['f directory 755 0:0', 'f/g file 644 0:0 "y"'],
  },
];

const snapshotters: readonly (readonly [string, () => Snapshotter])[] = [
  ['overlay', () => createOverlaySnapshotter({ ...places(), ownership, userxattr: ownership === 'recorded' })],
  ['copy', () => createCopySnapshotter({ ...places(), ownership })],
];
const places = () => ({ directory: path.join(folder, 'snapshots'), temporaryDirectory: path.join(folder, 'tmp') });

describe.each(snapshotters)('unpacking a hostile layer (%s snapshotter)', (_, create) => {
  test.each(ATTACKS)('$name', async ({ layers, result }) => {
    const snapshotter = create();
    const unpack = async (): Promise<readonly string[]> => {
      let parent: ChainId | null = null;
      for (const [index, changes] of layers(outside).entries()) {
        await using active = await snapshotter.prepare(parent);
        await active.apply(inChunks(await layerTar(...changes)));
        parent = id(`layer ${index}`);
        await active.commit(parent);
      }
      return listTree(await snapshotter.tree(parent));
    };
    if (result === 'refused') await expect(unpack()).rejects.toMatchObject({ code: 'LAYER_INVALID' });
    else if (result === 'harmless') await unpack();
    else expect(await unpack()).toEqual(result);
    await assertCanaryLives();
  });

  test.each(['.wh.', '.wh..', '.wh...', 'd/.wh..', 'd/.wh...', '.wh.d/f'])('refuses the whiteout %s', async (name) => {
    const snapshotter = create();
    await using active = await snapshotter.prepare(null);
    const tar = renamed(await layerTar(directory('d'), file('placeholder-name')), 'placeholder-name', name);
    await expect(active.apply(inChunks(tar))).rejects.toMatchObject({ code: 'LAYER_INVALID' });
    await assertCanaryLives();
  });

  test('GHSA-rp3h-jf77-q9p4: goes through deep directories in linear time', { timeout: 60_000 }, async () => {
    const deep = Array.from({ length: 900 }, (_, depth) => `d${depth % 10}`).join('/');
    const files = Array.from({ length: 500 }, (_, index) => file(`${deep}/${index}`));
    const snapshotter = create();
    const started = performance.now();
    await using active = await snapshotter.prepare(null);
    await active.apply(inChunks(await layerTar(...files)));
    expect(performance.now() - started).toBeLessThan(30_000);
  });
});

describe('CVE-2018-15664: reading a tree', () => {
  test('never follows a link of the tree', async () => {
    const { createDirectoryTree } = await import('../../src/layers/directory-tree.js');
    const { bytesOfText } = await import('../../src/support/byte-string.js');
    const { symlink: makeLink } = await import('node:fs/promises');
    const root = path.join(folder, 'context');
    await mkdir(root);
    await makeLink(outside, path.join(root, 'link'));
    await makeLink(path.join(outside, 'canary'), path.join(root, 'file'));
    const tree = createDirectoryTree(root);
    expect(tree.lstat(bytesOfText('link/canary'))).toBeUndefined();
    expect(tree.list(bytesOfText('link'))).toEqual([]);
    expect(tree.lstat(bytesOfText('file'))).toMatchObject({ type: 'symlink' });
    expect(() => [...tree.read(bytesOfText('file'))]).toThrow();
    expect(() => [...tree.read(bytesOfText('link/canary'))]).toThrow();
  });
});

describe('reading a hostile archive', () => {
  const reading = async (tar: Uint8Array): Promise<string[]> => {
    const names: string[] = [];
    for await (const { entry } of readTar(inChunks(tar))) names.push(entry.path);
    return names;
  };
  const refused = expect.objectContaining({ code: 'LAYER_INVALID' }) as Error;

  test('GHSA-8x88-c5mf-7j5w: refuses a negative size', async () => {
    const tar = await layerTar(file('a', 'x'));
    tar.fill(0xff, 124, 136);
    await expect(reading(resealed(tar))).rejects.toEqual(refused);
  });

  test.each([
    ['beyond what a number holds', Buffer.from('8000001000000000000000ff', 'hex')],
    ['of the remaining petabytes', Buffer.from('800000000003ffffffffffff', 'hex')],
    ['of other digits', Buffer.from('0000000089 \0')],
  ])('CVE-2017-14992: refuses a size %s', async (_, field) => {
    const tar = await layerTar(file('a', 'x'));
    field.copy(tar, 124);
    await expect(reading(resealed(tar))).rejects.toEqual(refused);
  });

  test.each([
    ['a NUL in a path (GHSA-gvwx-54wh-qm9j)', record('path', 'a\0b')],
    ['a NUL in a link (GHSA-gvwx-54wh-qm9j)', record('linkpath', 'a\0b')],
    ['a NUL in a key', record('pa\0th', 'b')],
    ['a length that is too long', '99 path=a\n'],
    ['a length that is too short', '5 path=a\n'],
    ['a length of nothing', '0 path=a\n'],
    ['no length', 'path=a\n'],
    ['no end of line', '9 path=a '],
    ['no equals sign', '8 pathx\n'],
    ['a negative size', record('size', '-1')],
    ['a size that is no number', record('size', '1e3')],
    ['a size beyond what a number holds', record('size', '9999999999999999')],
    ['a negative owner', record('uid', '-1')],
    ['the owner that means "none"', record('uid', '4294967295')],
    ['a time that is none', record('mtime', 'now')],
    ['a sparse file', record('GNU.sparse.major', '1')],
    ['a path that climbs', record('path', 'a/../../b')],
  ])('refuses an extended header with %s', async (_, records) => {
    await expect(reading(Buffer.concat([extended(records), await layerTar(file('a'))]))).rejects.toEqual(refused);
  });

  test('CVE-2024-28863: refuses names and extended headers without end', async () => {
    await expect(reading(await layerTar(file('d/'.repeat(3000) + 'f')))).rejects.toEqual(refused);
    const long = extended(record('comment', 'x'.repeat(2 ** 20 + 10)));
    await expect(reading(Buffer.concat([long, await layerTar(file('a'))]))).rejects.toEqual(refused);
  });

  test('refuses more entries than it is told to read', async () => {
    const tar = await layerTar(file('a'), file('b'), file('c'));
    const names: string[] = [];
    const all = async (): Promise<void> => {
      for await (const { entry } of readTar(inChunks(tar), { maxEntries: 2 })) names.push(entry.path);
    };
    await expect(all()).rejects.toEqual(refused);
    expect(names).toEqual(['a', 'b']);
  });

  test('node-tar 7.5.16: an extended header is not applied to the header of another', async () => {
    // node-tar took the size for that of the long name, and so read the name's text as an entry.
    const longName = Buffer.concat([block('L', 'long-name\0'.length), Buffer.alloc(512)]);
    longName.write('long-name\0', 512);
    const tar = Buffer.concat([
      extended(record('size', '3')),
      resealed(longName),
      await layerTar(file('short', 'abc')),
    ]);
    expect(await reading(tar)).toEqual(['long-name']);
  });

  test('a global header renames nothing', async () => {
    const global = extended(record('path', 'evil'), 'g');
    expect(await reading(Buffer.concat([global, await layerTar(file('a'), file('b'))]))).toEqual(['a', 'b']);
  });

  test('GHSA-29xp-372q-xqph: refuses extended headers without end, and entries that have more than any needs', async () => {
    const global = extended('', 'g');
    const many = Buffer.concat(Array.from({ length: 20_000 }, () => global));
    await expect(reading(Buffer.concat([many, await layerTar(file('a'))]))).rejects.toEqual(refused);
    const some = Buffer.concat([global, global, extended(record('path', 'b'))]);
    expect(await reading(Buffer.concat([some, await layerTar(file('a')), some, await layerTar(file('a'))]))).toEqual([
      'b',
    ]);
  });

  test('an extended header counts for one entry only', async () => {
    const tar = Buffer.concat([extended(record('path', 'renamed')), await layerTar(file('a'), file('b'))]);
    expect(await reading(tar)).toEqual(['renamed', 'b']);
  });

  test.each([
    ['a sparse file', 'S'],
    ['a volume label', 'V'],
    ['an unknown type', 'Q'],
  ])('refuses %s', async (_, flag) => {
    const tar = await layerTar(file('a', 'x'));
    tar.write(flag, 156);
    await expect(reading(resealed(tar))).rejects.toEqual(refused);
  });

  test('refuses a wrong checksum, and entries after the end marker', async () => {
    const tar = await layerTar(file('a', 'x'));
    const one = Buffer.from(tar);
    one[0] = 0x62;
    await expect(reading(one)).rejects.toEqual(refused);
    await expect(reading(Buffer.concat([Buffer.alloc(512), tar]))).rejects.toEqual(refused);
  });

  test('passes over what is behind the end marker', async () => {
    const tar = Buffer.concat([await layerTar(file('a', 'x')), Buffer.alloc(5000, 'garbage')]);
    expect(await reading(tar)).toEqual(['a']);
  });

  test('refuses an archive cut off within an entry, and only there', async () => {
    const tar = await layerTar(file('first', 'x'.repeat(600)), file('a'.repeat(200), 'y'));
    const boundaries = new Set([0, 512 + 1024, 512 + 1024 + 1536 + 512]);
    for (let length = 0; length < tar.length - 1024; length += 128) {
      const cut = reading(tar.subarray(0, length));
      if (boundaries.has(length)) await cut;
      else await expect(cut, `${length} bytes`).rejects.toEqual(refused);
    }
  });
});

function record(key: string, value: string): string {
  const body = ` ${key}=${value}\n`;
  let length = body.length + 1;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return `${length}${body}`;
}

function extended(records: string, flag = 'x'): Buffer {
  const padded = Buffer.alloc(Math.ceil(records.length / 512) * 512);
  padded.write(records, 'latin1');
  return Buffer.concat([block(flag, records.length), padded]);
}

function block(flag: string, size: number): Buffer {
  const header = Buffer.alloc(512);
  header.write('meta');
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write(flag, 156);
  header.write('ustar\x0000', 257);
  return resealed(header);
}

/** With the checksum of its first header made right again. */
function resealed(tar: Buffer, at = 0): Buffer {
  const header = tar.subarray(at, at + 512);
  header.fill(' ', 148, 156);
  header.write(
    `${header
      .reduce((total, byte) => total + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  return tar;
}

function renamed(tar: Buffer, from: string, to: string): Buffer {
  const at = tar.indexOf(from);
  tar.fill(0, at, at + from.length);
  tar.write(to, at);
  return resealed(tar, at);
}
