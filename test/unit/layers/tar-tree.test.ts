import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Change } from '../../../src/layers/change.js';
import { openTarTree } from '../../../src/layers/tar-tree.js';
import { bytesOfText } from '../../../src/support/byte-string.js';
import { device, directory, fifo, file, hardlink, layerTar, symlink } from '../../support/layer-entries.js';
import { listTree } from '../../support/listing.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tar-tree-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function treeOf(tar: Buffer, options: Parameters<typeof openTarTree>[1] = {}) {
  const path = join(folder, 'x.tar');
  await writeFile(path, tar);
  return await openTarTree(path, options);
}

async function listing(...changes: readonly Change[]): Promise<string[]> {
  return listTree(await treeOf(await layerTar(...changes)));
}

describe('openTarTree()', () => {
  test('shows what unpacking would leave', async () => {
    expect(
      await listing(
        directory('d', { mode: 0o700, uid: 5, gid: 6 }),
        file('d/a', 'content', { mode: 0o4755, uid: 1000 }),
        symlink('d/l', '../elsewhere'),
        hardlink('h', 'd/a'),
        fifo('p'),
        device('c', 1, 3),
        file('made/by/itself', 'x'),
        file('empty'),
      ),
    ).toEqual([
      'c character-device 644 0:0 1,3',
      'd directory 700 5:6',
      'd/a file 4755 1000:0 "content"',
      'd/l symlink 0:0 =../elsewhere',
      'empty file 644 0:0 ""',
      'h file 4755 1000:0 "content"',
      'made directory 755 0:0',
      'made/by directory 755 0:0',
      'made/by/itself file 644 0:0 "x"',
      'p fifo 644 0:0',
    ]);
  });

  test('gives the names of one file one inode, and other files none', async () => {
    const tree = await treeOf(await layerTar(file('a', 'x'), hardlink('b', 'a'), file('c', 'x')));
    const [a, b, c] = ['a', 'b', 'c'].map((name) => tree.lstat(bytesOfText(name))?.inode);
    expect(a).not.toBeNull();
    expect([b, c]).toEqual([a, null]);
  });

  test('lets a later entry replace an earlier one, and a directory keep what is in it', async () => {
    expect(
      await listing(
        directory('d'),
        file('d/x', '1'),
        directory('d', { mode: 0o700 }),
        file('e', 'first'),
        file('e', 'second'),
        directory('f'),
        file('f/y', '2'),
        file('f', 'no directory any more'),
      ),
    ).toEqual([
      'd directory 700 0:0',
      'd/x file 644 0:0 "1"',
      'e file 644 0:0 "second"',
      'f file 644 0:0 "no directory any more"',
    ]);
  });

  test('follows links among the parents within the root, as unpacking in a chroot does', async () => {
    expect(
      await listing(
        directory('real'),
        symlink('link', '/real'),
        file('link/x', '1'),
        symlink('up', '../../..'),
        file('up/y', '2'),
      ),
    ).toEqual([
      'link symlink 0:0 =/real',
      'real directory 755 0:0',
      'real/x file 644 0:0 "1"',
      'up symlink 0:0 =../../..',
      'y file 644 0:0 "2"',
    ]);
  });

  test('reads contents of every size, wherever its chunks end', async () => {
    const sizes = [0, 1, 511, 512, 513, 65_023, 65_024, 65_025, 65_535, 65_536, 131_072, 300_000];
    const contents = new Map(sizes.map((size, index) => [`f${index}`, Buffer.alloc(size, index + 1)]));
    const tree = await treeOf(await layerTar(...[...contents].map(([name, content]) => file(name, content))));
    for (const [name, content] of contents) {
      const chunks = [...tree.read(bytesOfText(name))].map((chunk) => Buffer.from(chunk));
      expect(Buffer.concat(chunks).equals(content), name).toBe(true);
    }
  });

  test('holds for any sequence of files', async () => {
    const files = fc.array(
      fc.tuple(fc.constantFrom('a', 'b', 'c/d', 'c/e', 'f/g/h'), fc.uint8Array({ maxLength: 2000 })),
    );
    await fc.assert(
      fc.asyncProperty(files, async (entries) => {
        const tree = await treeOf(await layerTar(...entries.map(([name, content]) => file(name, content))));
        for (const [name, content] of new Map(entries)) {
          const found = Buffer.concat([...tree.read(bytesOfText(name))].map((chunk) => Buffer.from(chunk)));
          expect(found.equals(content)).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  test.each<[string, readonly Change[], string]>([
    ['a hard link to nothing', [hardlink('a', 'b')], 'tar entry "a": it is a hard link to nothing'],
    ['a hard link to a folder', [directory('d'), hardlink('a', 'd')], 'hard link to nothing, or to a folder'],
    ['a file for a folder', [file('a'), file('a/b')], 'a file is where a folder above it should be'],
    ['a loop of links', [symlink('a', 'a'), file('a/b')], 'more than 40 symbolic links'],
  ])('refuses %s', async (_, changes, message) => {
    await expect(listing(...changes)).rejects.toThrow(message);
  });

  test('refuses more entries than it may have', async () => {
    const tar = await layerTar(file('a'), file('b'), file('c'));
    await expect(treeOf(tar, { maxEntries: 2 })).rejects.toThrow('it has more than 2 entries');
  });

  test.each([1, 600, 1600])('refuses one that is cut off %i bytes before its end', async (cut) => {
    const tar = await layerTar(file('a', Buffer.alloc(1000)), file('b', Buffer.alloc(1000)));
    const withoutMarker = tar.subarray(0, tar.length - 1024);
    await expect(treeOf(withoutMarker.subarray(0, withoutMarker.length - cut))).rejects.toThrow('it is cut off');
  });
});
