import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ActiveSnapshot, Snapshotter } from '../../src/layers/snapshotter.js';
import { writeTar } from '../../src/layers/tar/write-tar.js';
import { digestOf } from '../../src/oci/digest.js';
import type { ChainId } from '../../src/oci/layer.js';
import { bytesOfText } from '../../src/support/byte-string.js';
import { collectBytes, inChunks } from '../support/byte-source.js';
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
import { listChanges, listTree } from '../support/listing.js';
import { anyScript, BASE, EDITS, type Edit } from './snapshotter.edits.js';
import { runs } from '../support/runs.js';

export interface SnapshotterHarness {
  readonly create: (options: { readonly directory: string; readonly temporaryDirectory: string }) => Snapshotter;
  /** Runs a shell script whose working directory is the root of an active snapshot, as a RUN would see it. */
  readonly edit: (active: ActiveSnapshot, script: string) => void;
  /**
   * Which scripts make sense at all: `none` where no process could write as a RUN does (test/e2e does, in a user namespace),
   * `plain` where the files on disk do not have the owners of the image.
   */
  readonly edits: 'all' | 'plain' | 'none';
  /** Why scripts cannot run here. */
  readonly skipEdits: string | false;
  /** Why files of other owners, and devices, cannot be made by scripts here. */
  readonly skipOwners: string | false;
  readonly skipXattrs: string | false;
  /** How many trees are changed into others at random: 25 unless given. */
  readonly roundTrips?: number;
}

/** Only root reads what nobody may. An ordinary user is root too, in the user namespace where tsbuild works, but not in a test. */
const nobody = process.getuid?.() === 0 ? 0 : 0o400;

const id = (name: string): ChainId => digestOf(name) as ChainId;
export function snapshotterSuite(name: string, harness: SnapshotterHarness): void {
  describe(name, () => {
    let folder: string;
    let snapshotter: Snapshotter;
    beforeEach(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'snapshots-'));
      snapshotter = harness.create(places());
    });
    afterEach(async () => {
      await rm(folder, { recursive: true, force: true });
    });
    const places = () => ({ directory: path.join(folder, 'snapshots'), temporaryDirectory: path.join(folder, 'tmp') });
    const unfinished = (): Promise<string[]> => readdir(path.join(folder, 'tmp'));

    async function applied(parent: ChainId | null, target: ChainId, ...layers: readonly Buffer[]): Promise<void> {
      await using active = await snapshotter.prepare(parent);
      for (const layer of layers) await active.apply(inChunks(layer));
      await active.commit(target);
    }
    async function edited(parent: ChainId | null, target: ChainId, script: string): Promise<void> {
      await using active = await snapshotter.prepare(parent);
      harness.edit(active, script);
      await active.commit(target);
    }
    const listing = async (snapshot: ChainId | null, options = {}): Promise<string[]> =>
      listTree(await snapshotter.tree(snapshot), options);

    const describeChanges = harness.edits === 'none' ? () => undefined : describe.skipIf(harness.skipEdits);
    describeChanges('changes()', () => {
      const skipReason = ({ needs }: Edit): string | false =>
        needs === 'owners' ? harness.skipOwners : needs === 'xattrs' ? harness.skipXattrs : false;
      const fitting = EDITS.filter(({ needs }) => harness.edits === 'all' || needs !== 'owners');
      for (const edit of fitting) {
        test(`tells of ${edit.name}`, async (context) => {
          const reason = skipReason(edit);
          if (reason !== false) context.skip(reason);
          await edited(null, id('base'), BASE);
          await using active = await snapshotter.prepare(id('base'));
          harness.edit(active, edit.script);
          expect(await listChanges(active.changes())).toEqual(edit.changes);
        });
      }

      test('gives times in whole seconds', async () => {
        await using active = await snapshotter.prepare(null);
        harness.edit(active, 'printf f > f; touch -d @1234567890.987654321 f; printf g > g; touch -d @-1.5 g');
        expect(await listChanges(active.changes(), { times: true })).toEqual([
          'f file 644 0:0 "f" @1234567890.0',
          'g file 644 0:0 "g" @-2.0',
        ]);
      });

      test('refuses a file that is named like a whiteout', async () => {
        await using active = await snapshotter.prepare(null);
        harness.edit(active, 'printf f > .wh.f');
        await expect(listChanges(active.changes())).rejects.toMatchObject({ code: 'LAYER_INVALID' });
      });

      test('passes over sockets, also in the place of a file', async () => {
        await edited(null, id('base'), 'printf s > s');
        await using active = await snapshotter.prepare(id('base'));
        const listen = `require('net').createServer().listen('s', () => process.kill(process.pid, 'SIGKILL'))`;
        harness.edit(active, `rm s; "${process.execPath}" -e "${listen}" || test -S s`);
        expect(await listChanges(active.changes())).toEqual(['s deleted']);
      });
    });

    const roundTrip = 'makes out of a tree and the changes to another that other tree';
    const defineRoundTrip = (): void => {
      test.skipIf(harness.skipEdits)(roundTrip, { timeout: 120_000 }, async () => {
        let run = 0;
        await fc.assert(
          fc.asyncProperty(anyScript, anyScript, async (one, two) => {
            const [a, b, c] = [id(`a${++run}`), id(`b${run}`), id(`c${run}`)];
            await edited(null, a, one);
            await using active = await snapshotter.prepare(a);
            harness.edit(active, two);
            const layer = await collectBytes(writeTar(active.changes()));
            await active.commit(b);
            await applied(a, c, layer);
            expect(await listing(c)).toEqual(await listing(b));
          }),
          { numRuns: runs(harness.roundTrips ?? 25) },
        );
      });
    };
    if (harness.edits !== 'none') defineRoundTrip();

    describe('apply()', () => {
      test('keeps every kind of file as the layer has it', async () => {
        const owner = { uid: 1, gid: 2 };
        const xattrs = new Map([[bytesOfText('user.note'), Buffer.from([0, 10, 255])]]);
        const layer = await layerTar(
          directory('d', { mode: 0o1777, ...owner, xattrs: harness.skipXattrs ? new Map() : xattrs }),
          file('d/f', 'content', { mode: 0o4750, ...owner, mtime: { seconds: -5, nanoseconds: 123456789 } }),
          file('d/none', '', { mode: nobody }),
          file('d/far', '', { mtime: { seconds: 5e9, nanoseconds: 0 } }),
          symlink('d/l', '../f', { ...owner, mtime: { seconds: 77, nanoseconds: 5 } }),
          hardlink('d/h', 'd/f'),
          fifo('d/p', { mode: 0o622, ...owner }),
          device('d/null', 1, 3, { mode: 0o666 }),
          device('d/zero', 0, 0),
        );
        await applied(null, id('all'), layer);
        expect(await listing(id('all'), { times: true })).toEqual([
          `d directory 1777 1:2 @1000.0${harness.skipXattrs ? '' : ' user.note:000aff'}`,
          'd/f file 4750 1:2 "content" @-5.123456789',
          'd/far file 644 0:0 "" @5000000000.0',
          'd/h file 4750 1:2 "content" @-5.123456789',
          'd/l symlink 1:2 =../f @77.5',
          `d/none file ${nobody.toString(8)} 0:0 "" @1000.0`,
          'd/null character-device 666 0:0 1,3 @1000.0',
          'd/p fifo 622 1:2 @1000.0',
          'd/zero character-device 644 0:0 0,0 @1000.0',
        ]);
        const tree = await snapshotter.tree(id('all'));
        const [f, h] = ['d/f', 'd/h'].map((name) => tree.lstat(bytesOfText(name))?.inode);
        expect(f).toBe(h);
        expect(f).not.toBeNull();
      });

      const tables: readonly (readonly [string, () => Promise<readonly Buffer[]>, readonly string[]])[] = [
        [
          'hides what whiteouts name, whatever their place in the layer',
          async () => [
            await layerTar(file('a', '1'), directory('d'), file('d/b', '2'), file('d/c', '3'), file('e', '4')),
            await layerTar(
              whiteout('a'),
              file('a', 'new'),
              file('e', 'new'),
              whiteout('e'),
              whiteout('d/b'),
              whiteout('none'),
            ),
          ],
          ['a file "new"', 'd directory', 'd/c file "3"', 'e file "new"'],
        ],
        [
          'keeps what the layer itself has in a directory it deletes',
          async () => [
            await layerTar(directory('d'), file('d/old', '1'), directory('d/sub'), file('d/sub/old', '2')),
            await layerTar(directory('d'), directory('d/sub'), file('d/sub/new', 'n'), whiteout('d')),
          ],
          ['d directory', 'd/sub directory', 'd/sub/new file "n"'],
        ],
        [
          'pitfall 108: hides all below an opaque directory, but what is in the layer, in any order',
          async () => [
            await layerTar(
              directory('d'),
              file('d/old', '1'),
              directory('d/sub'),
              file('d/sub/old', '2'),
              file('o', ''),
            ),
            await layerTar(directory('d'), file('d/new', 'n'), opaque('d'), directory('d/sub')),
          ],
          ['d directory', 'd/new file "n"', 'd/sub directory', 'o file ""'],
        ],
        [
          'hides all below an opaque root',
          async () => [
            await layerTar(directory('d'), file('d/old', '1'), file('o', '')),
            await layerTar(file('before', ''), opaque(''), directory('d'), file('d/new', 'n')),
          ],
          ['before file ""', 'd directory', 'd/new file "n"'],
        ],
        [
          'merges a directory with the one below',
          async () => [
            await layerTar(directory('d', { mode: 0o700 }), file('d/old', '1')),
            await layerTar(directory('d', { mode: 0o711 }), file('d/new', '2')),
          ],
          ['d directory', 'd/new file "2"', 'd/old file "1"'],
        ],
        [
          'replaces files by directories and directories by files',
          async () => [
            await layerTar(
              file('f', '1'),
              directory('d'),
              file('d/x', '2'),
              symlink('l', 'd'),
              directory('g'),
              file('g/x', ''),
            ),
            await layerTar(directory('f'), file('f/in', 'i'), file('d', 'now'), directory('l'), symlink('g', 'l')),
          ],
          ['d file "now"', 'f directory', 'f/in file "i"', 'g symlink =l', 'l directory'],
        ],
        [
          'takes the last of entries with the same name',
          async () => [
            await layerTar(directory('x'), file('x/below', '')),
            await layerTar(file('x', '1'), directory('x'), file('x/in', '2'), file('y', '1'), file('y', '2')),
          ],
          ['x directory', 'x/in file "2"', 'y file "2"'],
        ],
        [
          'makes parents that the layer does not name',
          async () => [await layerTar(file('a', '1')), await layerTar(file('a/b/c', '2'), file('n/m/x', '3'))],
          ['a directory', 'a/b directory', 'a/b/c file "2"', 'n directory', 'n/m directory', 'n/m/x file "3"'],
        ],
        [
          'makes a directory over a deleted one without its files',
          async () => [
            await layerTar(directory('d'), file('d/old', '1')),
            await layerTar(whiteout('d')),
            await layerTar(file('d/new', '2')),
          ],
          ['d directory', 'd/new file "2"'],
        ],
        [
          'follows links of lower layers inside the root',
          async () => [
            await layerTar(
              directory('run'),
              directory('var'),
              symlink('var/run', '/run'),
              symlink('up', '../../var/./run'),
            ),
            await layerTar(file('var/run/x', '1'), file('up/y', '2'), whiteout('var/run/none')),
            await layerTar(whiteout('up/x'), file('var/run/deep/z', '3')),
          ],
          [
            'run directory',
            'run/deep directory',
            'run/deep/z file "3"',
            'run/y file "2"',
            'up symlink =../../var/./run',
            'var directory',
            'var/run symlink =/run',
          ],
        ],
        [
          'links to files of lower layers',
          async () => [
            await layerTar(directory('d', { mode: 0o700 }), file('d/f', 'same', { mode: 0o600 })),
            await layerTar(hardlink('h', 'd/f'), hardlink('d/f', 'd/f')),
          ],
          ['d directory', 'd/f file "same"', 'h file "same"'],
        ],
        [
          'passes over what AUFS left',
          async () => [
            await layerTar(file('a', '1')),
            aufs(await layerTar(file('_wh__wh_plnk/1.2', 'x'), directory('_wh__wh_orph'), file('a', '2'))),
          ],
          ['a file "2"'],
        ],
      ];
      for (const [title, layers, expected] of tables) {
        test(title, async () => {
          let parent: ChainId | null = null;
          for (const [index, layer] of (await layers()).entries()) {
            await applied(parent, id(`layer ${index}`), layer);
            parent = id(`layer ${index}`);
          }
          const plain = (await listing(parent)).map((line) => line.replace(/(?: [0-7]+)? 0:0/, ''));
          expect(plain).toEqual(expected);
        });
      }

      test('leaves modes, owners and times of directories that only lower layers name', async () => {
        const time = { seconds: 42, nanoseconds: 7 };
        await applied(
          null,
          id('one'),
          await layerTar(
            directory('', { mode: 0o711, mtime: time }),
            directory('d', { mode: 0o2750, uid: 3, gid: 4, mtime: time }),
            file('d/old'),
          ),
        );
        await applied(id('one'), id('two'), await layerTar(file('d/f'), file('g'), whiteout('d/old')));
        expect((await listing(id('two'), { times: true }))[0]).toBe('d directory 2750 3:4 @42.7');
        const root = (await snapshotter.tree(id('two'))).lstat(bytesOfText(''));
        expect(root).toMatchObject({ mode: 0o711, mtime: time });
      });

      test('takes attributes away that a directory has no more', async (context) => {
        if (harness.skipXattrs) context.skip(harness.skipXattrs);
        const xattrs = new Map([[bytesOfText('user.note'), Buffer.from('1')]]);
        await applied(null, id('one'), await layerTar(directory('d', { xattrs, uid: 5 })));
        await applied(id('one'), id('two'), await layerTar(directory('d')));
        expect(await listing(id('two'))).toEqual(['d directory 755 0:0']);
      });

      test('stops when it is told to', async () => {
        await using active = await snapshotter.prepare(null);
        const applying = active.apply(inChunks(await layerTar(file('a', 'x'))), { signal: AbortSignal.abort() });
        await expect(applying).rejects.toMatchObject({ code: 'ABORTED' });
      });

      test('refuses a layer that is cut off', async () => {
        const layer = await layerTar(file('a', 'x'.repeat(2000)));
        await using active = await snapshotter.prepare(null);
        await expect(active.apply(inChunks(layer.subarray(0, 1500)))).rejects.toMatchObject({ code: 'LAYER_INVALID' });
      });
    });

    describe('life of a snapshot', () => {
      test('an empty file system has a root and nothing else', async () => {
        const tree = await snapshotter.tree(null);
        expect(listTree(tree)).toEqual([]);
        expect(tree.lstat(bytesOfText(''))).toMatchObject({ type: 'directory', mode: 0o755, uid: 0, gid: 0 });
        expect(tree.lstat(bytesOfText('a'))).toBeUndefined();
      });

      test('is there once committed, with its files', async () => {
        expect(await snapshotter.has(id('a'))).toBe(false);
        await applied(null, id('a'), await layerTar(file('f', '1')));
        expect(await snapshotter.has(id('a'))).toBe(true);
        expect(await snapshotter.list()).toEqual([id('a')]);
        expect(await unfinished()).toEqual([]);
      });

      test('leaves nothing when it is disposed of without a commit', async () => {
        const active = await snapshotter.prepare(null);
        await active.apply(inChunks(await layerTar(directory('d', { mode: 0 }), file('d/f', '1'))));
        await active[Symbol.asyncDispose]();
        expect(await unfinished()).toEqual([]);
        expect(await snapshotter.list()).toEqual([]);
      });

      test('yields to one that was committed under the same id before', async () => {
        await applied(null, id('a'), await layerTar(file('first')));
        await applied(null, id('a'), await layerTar(file('second')));
        expect(await listing(id('a'))).toEqual(['first file 644 0:0 ""']);
        expect(await unfinished()).toEqual([]);
      });

      test('does not touch its parent', async () => {
        await applied(null, id('a'), await layerTar(directory('d'), file('d/f', '1')));
        const before = await listing(id('a'), { times: true });
        await applied(id('a'), id('b'), await layerTar(file('d/f', '2'), whiteout('d/f'), file('d/g')));
        expect(await listing(id('a'), { times: true })).toEqual(before);
      });

      test('is gone once removed, and may come again', async () => {
        await applied(null, id('a'), await layerTar(file('f', '1')));
        await snapshotter.remove(id('a'));
        await snapshotter.remove(id('a'));
        expect(await snapshotter.has(id('a'))).toBe(false);
        await expect(snapshotter.prepare(id('a'))).rejects.toMatchObject({ code: 'STORE_IO' });
        await applied(null, id('a'), await layerTar(file('f', '2')));
        expect(await listing(id('a'))).toEqual(['f file 644 0:0 "2"']);
      });

      test('is seen by another of the same folder', async () => {
        await applied(null, id('a'), await layerTar(symlink('l', 'x', { uid: 9, gid: 9 })));
        const other = harness.create(places());
        expect(listTree(await other.tree(id('a')))).toEqual(['l symlink 9:9 =x']);
      });
    });
  });
}

/** AUFS's names, which the writer of layers refuses, put into a tar archive after it is made. */
function aufs(archive: Buffer): Buffer {
  for (let at = archive.indexOf('_wh__wh_'); at !== -1; at = archive.indexOf('_wh__wh_', at)) {
    archive.write('.wh..wh.', at, 'latin1');
    const header = archive.subarray(at, at + 512);
    header.fill(' ', 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
  return archive;
}
