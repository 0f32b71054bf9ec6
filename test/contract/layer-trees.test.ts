import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Change } from '../../src/layers/change.js';
import { createOverlaySnapshotter } from '../../src/layers/overlay-snapshotter.js';
import type { Tree } from '../../src/layers/tree.js';
import { digestOf } from '../../src/oci/digest.js';
import type { ChainId } from '../../src/oci/layer.js';
import type { ByteString } from '../../src/support/byte-string.js';
import { isTsbuildError } from '../../src/support/errors.js';
import { inChunks } from '../support/byte-source.js';
import { erofsTree, indexedTree } from '../support/indexed-tree.js';
import { directory, file, hardlink, layerTar, opaque, symlink, whiteout } from '../support/layer-entries.js';
import { listTree } from '../support/listing.js';
import { runs } from '../support/runs.js';

// Whatever layers say, in whatever order: reading them by their indexes, or as EROFS images, shows what unpacking them does.

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'layer-trees-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const isRoot = process.getuid?.() === 0;

async function unpacked(tars: readonly Buffer[]): Promise<Tree> {
  const places = { directory: path.join(folder, 'snapshots'), temporaryDirectory: path.join(folder, 'tmp') };
  const snapshotter = createOverlaySnapshotter({
    ...places,
    ownership: isRoot ? 'real' : 'recorded',
    userxattr: !isRoot,
  });
  let parent: ChainId | null = null;
  for (const tar of tars) {
    await using active = await snapshotter.prepare(parent);
    await active.apply(inChunks(tar));
    parent = digestOf(`${parent ?? ''} ${digestOf(tar)}`) as ChainId;
    await active.commit(parent);
  }
  return snapshotter.tree(parent);
}

const seconds = (value: number) => ({ mtime: { seconds: value, nanoseconds: value } });
const name = fc.constantFrom('a', 'b', 'c');
const somePath = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(somePath, name, fc.nat(9)).map(([at, text, time]) => file(at, text, seconds(time))),
  },
  { weight: 5, arbitrary: fc.tuple(somePath, fc.nat(9)).map(([at, time]) => directory(at, seconds(time))) },
  { weight: 2, arbitrary: fc.tuple(somePath, somePath).map(([at, to]) => symlink(at, to)) },
  { weight: 1, arbitrary: fc.tuple(somePath, name).map(([at, to]) => symlink(at, `/../${to}`)) },
  { weight: 1, arbitrary: fc.tuple(somePath, fc.constantFrom('a/a', 'c', 'l')).map(([at, to]) => hardlink(at, to)) },
  { weight: 3, arbitrary: somePath.map(whiteout) },
  { weight: 2, arbitrary: somePath.map(opaque) },
);
const layers = fc.array(fc.array(change, { maxLength: 6 }), { minLength: 1, maxLength: 2 });
/** Below all others, so that there is something to hide, to link to and to go through. */
const base = [
  ...['a', 'a/b', 'b'].map((at) => directory(at, seconds(1))),
  ...['a/a', 'a/b/c', 'b/c', 'c'].map((at) => file(at, 'base', seconds(1))),
  symlink('l', 'a/b'),
  hardlink('b/a', 'c'),
];

/** A tree as lines, and which names are of one file; what was wrong with the layers when they are refused. */
async function shown(open: () => Promise<Tree> | Tree): Promise<unknown> {
  try {
    const tree = await open();
    return { root: line(tree, ''), lines: listTree(tree, { times: true }), names: namesTogether(tree) };
  } catch (error) {
    // What no file system has, both refuse; which of two faults is told first may differ.
    if (isTsbuildError(error, 'LAYER_INVALID') || isTsbuildError(error, 'STORE_IO')) return 'refused';
    throw error;
  }
}

function line(tree: Tree, at: string): unknown {
  const { inode: _, ...entry } = tree.lstat(at as ByteString) ?? { inode: null };
  return entry;
}

function namesTogether(tree: Tree): readonly string[] {
  const byInode = new Map<string, string[]>();
  const visit = (at: ByteString): void => {
    for (const child of tree.list(at)) {
      const below = (at === '' ? child : `${at}/${child}`) as ByteString;
      const entry = tree.lstat(below);
      if (entry?.inode != null) byInode.set(entry.inode, [...(byInode.get(entry.inode) ?? []), below]);
      if (entry?.type === 'directory') visit(below);
    }
  };
  visit('' as ByteString);
  const several = [...byInode.values()].filter((names) => names.length > 1);
  return several.map((names) => names.join(' = ')).sort();
}

const RUNS = Number(process.env['TSBUILD_TEST_RUNS'] ?? runs(15));

test('layers read by their indexes, and as EROFS images, show what unpacked ones do', async () => {
  await fc.assert(
    fc.asyncProperty(layers, async (stack) => {
      const tars = await Promise.all([base, ...stack].map((changes) => layerTar(...changes)));
      const expected = await shown(() => unpacked(tars));
      expect(await shown(() => indexedTree(tars, folder))).toEqual(expected);
      expect(await shown(() => erofsTree(tars, folder))).toEqual(expected);
    }),
    { numRuns: RUNS },
  );
});
