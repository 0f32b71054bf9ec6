import { mkdtempSync, rmSync, lstatSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Change } from '../../src/layers/change.js';
import { createCopySnapshotter } from '../../src/layers/copy-snapshotter.js';
import { createOverlaySnapshotter } from '../../src/layers/overlay-snapshotter.js';
import type { Snapshotter } from '../../src/layers/snapshotter.js';
import type { Tree } from '../../src/layers/tree.js';
import { digestOf } from '../../src/oci/digest.js';
import type { ChainId } from '../../src/oci/layer.js';
import { bytesOfText, type ByteString } from '../../src/support/byte-string.js';
import { collectBytes, inChunks, streamOf } from '../support/byte-source.js';
import { writeTar } from '../../src/layers/tar/write-tar.js';
import {
  device,
  directory,
  fifo,
  file,
  hardlink,
  layerTar,
  opaque,
  symlink,
  whiteout,
} from '../support/layer-entries.js';
import { erofsTree, indexedTree } from '../support/indexed-tree.js';
import { listTree } from '../support/listing.js';
import { requirement } from '../support/require.js';

// The rules of layers (image-spec layer.md, POSIX pax, GNU tar) that a reader must keep, a test for each, over each snapshotter.

const isRoot = process.getuid?.() === 0;
const ownership = isRoot ? 'real' : 'recorded';
const root = requirement('root', isRoot, 'only root gives files capabilities');
const bytes = (text: string): ByteString => text as ByteString;
const named = (path: string, content = ''): Change => {
  const change = file('x', content);
  if (change.kind !== 'upsert') throw new Error('no file');
  return { ...change, entry: { ...change.entry, path: bytes(path) } };
};

interface Rule {
  readonly row: string;
  /** Layers, bottommost first; a Buffer as it is. */
  readonly layers: readonly (readonly Change[] | (() => Promise<Buffer>))[];
  /** Lines without the usual mode and owner; `refused` for what no layer may say. */
  readonly result: readonly string[] | 'refused';
  readonly times?: boolean;
  readonly needs?: 'root';
}

const at = (seconds: number, nanoseconds = 0) => ({ mtime: { seconds, nanoseconds } });
const CAPABILITY = bytesOfText('security.capability');
const revision2 = Buffer.from('0100000200040000000000000000000000000000', 'hex');
const revision3 = Buffer.from('0100000300040000000000000000000000000000a0860100', 'hex');
const xattrs = (name: string, value: Uint8Array) => ({ xattrs: new Map([[bytesOfText(name), value]]) });

const RULES: readonly Rule[] = [
  {
    row: 'Duplicate paths: the last one wins',
    layers: [[file('a', '1'), file('a', '2')]],
    result: ['a file "2"'],
  },
  {
    row: 'Explicit whiteout: hides lower layers only, whatever its place',
    layers: [
      [file('a', 'low'), file('b', 'low')],
      [file('a', 'up'), whiteout('a'), whiteout('b'), file('b', 'up')],
    ],
    result: ['a file "up"', 'b file "up"'],
  },
  {
    row: 'Opaque whiteout: hides what lower layers have, and nothing of its own, whatever its place',
    layers: [
      [directory('d'), file('d/low')],
      [directory('d'), file('d/early'), opaque('d'), file('d/late')],
    ],
    result: ['d directory', 'd/early file ""', 'd/late file ""'],
  },
  {
    row: 'AUFS metadata: passed over',
    layers: [() => rewritten([file('.AA..AA.plnk/1'), file('.AA..AA.aufs'), file('a')], '.AA..AA.', '.wh..wh.')],
    result: ['a file ""'],
  },
  {
    row: 'Directory over directory: merged, with the new attributes',
    layers: [[directory('d', { mode: 0o700 }), file('d/low')], [directory('d', { mode: 0o711 })]],
    result: ['d directory 711', 'd/low file ""'],
  },
  {
    row: 'Files over directories and back: the whole directory goes, and does not shine through',
    layers: [
      [directory('d'), file('d/low'), file('f')],
      [file('d'), directory('f')],
      [directory('d'), file('f')],
    ],
    result: ['d directory', 'f file ""'],
  },
  {
    row: 'File in the place of a parent: becomes a directory',
    layers: [[file('a')], [file('a/b')]],
    result: ['a directory', 'a/b file ""'],
  },
  {
    row: 'Missing parents: 0755, root:root',
    layers: [[file('a/b/c', '', { mode: 0o600 })]],
    result: ['a directory', 'a/b directory', 'a/b/c file 600 ""'],
  },
  {
    row: 'Hard links within a layer, also to a symbolic link',
    layers: [[file('a', 'x', at(5)), hardlink('b', 'a'), symlink('l', 'a', at(6)), hardlink('m', 'l')]],
    result: ['a file "x" @5.0', 'b file "x" @5.0', 'l symlink =a @6.0', 'm symlink =a @6.0'],
    times: true,
  },
  {
    row: 'Hard links across layers: to the file as it was there',
    layers: [
      [file('a', 'x', { mode: 0o4711, ...at(5, 7) })],
      [hardlink('b', 'a')],
      [whiteout('a'), hardlink('c', 'b')],
    ],
    result: ['b file 4711 "x" @5.7', 'c file 4711 "x" @5.7'],
    times: true,
  },
  { row: 'Hard link to a directory: refused', layers: [[directory('d'), hardlink('h', 'd')]], result: 'refused' },
  {
    row: 'Hard link to what a whiteout hides: refused',
    layers: [[file('a')], [whiteout('a')], [hardlink('h', 'a')]],
    result: 'refused',
  },
  {
    row: 'Owners: of 32 bits, in base 256 or PAX',
    layers: [[file('a', '', { uid: 2_097_152, gid: 4_294_967_294 }), file('b', '', { uid: 2_097_151 })]],
    result: ['a file 2097152:4294967294 ""', 'b file 2097151:0 ""'],
  },
  {
    row: 'Times: negative, far, and of parts of seconds',
    layers: [
      [
        file('a', '', at(-1, 999_999_999)),
        file('b', '', at(8 ** 11)),
        symlink('c', 'a', at(-77, 5)),
        file('d', '', at(-77)),
        symlink('e', 'a', at(-1)),
        directory('f', at(-2)),
      ],
    ],
    result: [
      'a file "" @-1.999999999',
      'b file "" @8589934592.0',
      'c symlink =a @-77.5',
      'd file "" @-77.0',
      'e symlink =a @-1.0',
      'f directory @-2.0',
    ],
    times: true,
  },
  {
    row: 'Extended attributes: bytes with newlines and NULs',
    layers: [
      [
        file('a', '', xattrs('user.b', Buffer.from([0, 10, 0xff, 61]))),
        directory('d', xattrs('user.empty', Buffer.alloc(0))),
      ],
    ],
    result: ['a file "" user.b:000aff3d', 'd directory user.empty:'],
  },
  {
    row: 'Extended attributes of a host or an overlay: left out',
    layers: [
      [
        file('a', '', xattrs('security.selinux', Buffer.from('x'))),
        file('b', '', xattrs('user.overlay.opaque', Buffer.from('y'))),
      ],
    ],
    result: ['a file ""', 'b file ""'],
  },
  {
    row: 'security.capability: revision 2 kept, revision 3 without its namespace',
    layers: [
      [
        file('a', '', { ...xattrs(CAPABILITY, revision2), uid: 5, mode: 0o4755 }),
        file('b', '', xattrs(CAPABILITY, revision3)),
      ],
    ],
    result: [
      `a file 4755 5:0 "" security.capability:${revision2.toString('hex')}`,
      `b file "" security.capability:${revision2.toString('hex')}`,
    ],
    needs: 'root',
  },
  {
    row: 'Long names, and links: beyond ustar, PAX and 255 bytes a component',
    layers: [[file(`${'n'.repeat(255)}/${'m'.repeat(255)}`), symlink('l', 't'.repeat(3000))]],
    result: [
      `l symlink =${'t'.repeat(3000)}`,
      `${'n'.repeat(255)} directory`,
      `${'n'.repeat(255)}/${'m'.repeat(255)} file ""`,
    ],
  },
  {
    row: 'Names: bytes that are no text stay apart',
    layers: [[named('\xff'), named('\xfe'), named('\xc3\xa9')]],
    result: ['é file ""', '\ufffd file ""', '\ufffd file ""'],
  },
  {
    row: 'Devices, fifos: kept, in a user namespace too',
    layers: [
      [device('n', 1, 3, { mode: 0o666 }), device('z', 0, 0), device('big', 300, 70_000), fifo('p', { uid: 3 })],
    ],
    result: ['big character-device 300,70000', 'n character-device 666 1,3', 'p fifo 3:0', 'z character-device 0,0'],
  },
  {
    row: 'Directory times: set after their children',
    layers: [[directory('d', at(5)), directory('d/e', at(6)), file('d/e/f', '', at(7)), hardlink('d/g', 'd/e/f')]],
    result: ['d directory @5.0', 'd/e directory @6.0', 'd/e/f file "" @7.0', 'd/g file "" @7.0'],
    times: true,
  },
  {
    row: 'Modes: set after owners, which take setuid away',
    layers: [[file('s', '', { mode: 0o6755, uid: 7, gid: 8 }), directory('t', { mode: 0o1777, uid: 9 })]],
    result: ['s file 6755 7:8 ""', 't directory 1777 9:0'],
  },
  {
    row: 'Trailing bytes: passed over',
    layers: [async () => Buffer.concat([await layerTar(file('a')), Buffer.alloc(4000, 'x')])],
    result: ['a file ""'],
  },
  {
    row: 'Empty layer: two blocks of zeros, or nothing at all',
    layers: [[], () => Promise.resolve(Buffer.alloc(0)), [file('a')]],
    result: ['a file ""'],
  },
];

/** Entries whose names no writer of ours would write. */
async function rewritten(changes: readonly Change[], from: string, to: string): Promise<Buffer> {
  const archive = await layerTar(...changes);
  for (let start = archive.indexOf(from); start !== -1; start = archive.indexOf(from, start + 1)) {
    archive.write(to, start, 'latin1');
    const header = archive.subarray(start, start + 512).fill(' ', 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
  return archive;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'rules-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});
const places = () => ({ directory: path.join(folder, 'snapshots'), temporaryDirectory: path.join(folder, 'tmp') });
const snapshotters: readonly (readonly [string, () => Snapshotter])[] = [
  ['overlay', () => createOverlaySnapshotter({ ...places(), ownership, userxattr: !isRoot })],
  ['copy', () => createCopySnapshotter({ ...places(), ownership })],
  ['copy, owners recorded', () => createCopySnapshotter({ ...places(), ownership: 'recorded' })],
];

type Open = (tars: readonly Buffer[]) => Promise<Tree>;

/** The trees of those that unpack layers, and of those that read them where they are. */
const trees: readonly (readonly [string, Open])[] = [
  ...snapshotters.map(([name, create]) => [`the ${name} snapshotter`, unpackedBy(create)] as const),
  ['the tree of indexes', (tars) => Promise.resolve(indexedTree(tars, folder))],
  ['the tree of EROFS images', (tars) => Promise.resolve(erofsTree(tars, folder))],
];

function unpackedBy(create: () => Snapshotter): Open {
  return async (tars) => {
    const snapshotter = create();
    let parent: ChainId | null = null;
    for (const [index, tar] of tars.entries()) {
      await using active = await snapshotter.prepare(parent);
      await active.apply(inChunks(tar));
      parent = digestOf(`layer ${index}`) as ChainId;
      await active.commit(parent);
    }
    return await snapshotter.tree(parent);
  };
}

async function tarsOf({ layers }: Rule): Promise<readonly Buffer[]> {
  const tars: Buffer[] = [];
  for (const layer of layers) {
    tars.push(typeof layer === 'function' ? await layer() : await collectBytes(writeTar(streamOf(layer))));
  }
  return tars;
}

/** Without the mode and the owner that most have. */
const plain = (line: string): string =>
  line
    .replace(/ (?:644|755) /, ' ')
    .replace(/ 0:0/, '')
    .replace(/^(.* directory) @1000\.0$/, '$1');

describe.each(trees)('%s keeps the rule of', (_, open) => {
  for (const rule of RULES) {
    test(rule.row, async (context) => {
      if (rule.needs === 'root' && root.skip) context.skip(root.reason);
      const tars = await tarsOf(rule);
      if (rule.result === 'refused') {
        await expect((async () => open(tars))()).rejects.toMatchObject({ code: 'LAYER_INVALID' });
      } else {
        const lines = listTree(await open(tars), { times: rule.times === true });
        expect(lines.map(plain)).toEqual(rule.result);
      }
    });
  }

  test('Root entry: its mode, owner and time are those of the root', async () => {
    const root = directory('', { mode: 0o711, uid: 3, ...at(42, 7) });
    const tree = await open(await tarsOf({ row: '', layers: [[root, file('a')], [file('b')]], result: [] }));
    expect(tree.lstat(bytes(''))).toMatchObject({ mode: 0o711, uid: 3, ...at(42, 7) });
  });
});

describe.each(snapshotters)('the %s snapshotter keeps the rule of', (_, create) => {
  test('Names that begin with .wh.: refused in what we make', async () => {
    await expect(collectBytes(writeTar(streamOf([file('.wh.a')])))).rejects.toMatchObject({ code: 'LAYER_INVALID' });
  });

  test('Sockets: never in a layer', async () => {
    const { createServer } = await import('node:net');
    await using active = await create().prepare(null);
    const host = active.root.kind === 'overlay' ? active.root.upper : active.root.path;
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path.join(host, 's'), resolve));
    expect(lstatSync(path.join(host, 's')).isSocket()).toBe(true);
    const changes: Change[] = [];
    for await (const change of active.changes()) changes.push(change);
    await new Promise((resolve) => server.close(resolve));
    expect(changes).toEqual([]);
  });
});
