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

export interface SnapshotterHarness {
  readonly create: (options: { readonly directory: string; readonly temporaryDirectory: string }) => Snapshotter;
  /** Runs a shell script whose working directory is the root of an active snapshot, as a RUN would see it. */
  readonly edit: (active: ActiveSnapshot, script: string) => void;
  /** Why scripts cannot run here. */
  readonly skipEdits: string | false;
  /** Why files of other owners, and devices, cannot be made by scripts here. */
  readonly skipOwners: string | false;
  readonly skipXattrs: string | false;
}

const id = (name: string): ChainId => digestOf(name) as ChainId;
const BASE = `
  mkdir -p etc/conf.d usr/bin data/deep/er empty
  printf one > etc/one; printf two > etc/two; printf a > etc/conf.d/a; printf b > etc/conf.d/b
  printf '#!' > usr/bin/tool; chmod 755 usr/bin/tool; ln -s ../usr/bin/tool etc/link
  printf x > data/x; printf y > data/deep/y; printf z > data/deep/er/z
  printf pair > data/first; ln data/first data/second
  find . ! -type l -exec touch -d @1000 {} +; touch -h -d @1000 etc/link; touch -d @1000.5 etc/two
`;

interface Edit {
  readonly name: string;
  readonly script: string;
  readonly changes: readonly string[];
  readonly needs?: 'owners' | 'xattrs';
}

const DIR = 'directory 755 0:0';
/** What must come out of every snapshotter: BuildKit's answers to the same scripts. */
const EDITS: readonly Edit[] = [
  { name: 'nothing', script: 'true', changes: [] },
  { name: 'a new file', script: 'printf n > etc/new', changes: [`etc ${DIR}`, 'etc/new file 644 0:0 "n"'] },
  {
    name: 'a file changed in place',
    script: 'printf 1 > data/deep/y',
    changes: [`data ${DIR}`, `data/deep ${DIR}`, 'data/deep/y file 644 0:0 "1"'],
  },
  {
    name: 'a file changed to another of the same size and time',
    script: 'printf TWO > etc/two; touch -d @1000.5 etc/two; printf ONE > etc/one; touch -d @1000 etc/one',
    changes: [`etc ${DIR}`, 'etc/one file 644 0:0 "ONE"', 'etc/two file 644 0:0 "TWO"'],
  },
  {
    name: 'a file opened for appending, and left as it was',
    script: ': >> etc/one; : >> etc/two',
    changes: [],
  },
  {
    name: 'a file written again as it was, its time set back',
    script: 'printf one > etc/one; touch -d @1000 etc/one',
    changes: [],
  },
  { name: 'a file made and deleted again', script: 'printf t > etc/t; rm etc/t', changes: [] },
  { name: 'a new time of a directory', script: 'touch etc', changes: [] },
  {
    name: 'a new time of a file',
    script: 'touch -d @2000 etc/one',
    changes: [`etc ${DIR}`, 'etc/one file 644 0:0 "one"'],
  },
  {
    name: 'a mode',
    script: 'chmod 600 etc/one; chmod 700 empty; chmod 4755 usr/bin/tool',
    changes: [
      'empty directory 700 0:0',
      `etc ${DIR}`,
      'etc/one file 600 0:0 "one"',
      `usr ${DIR}`,
      `usr/bin ${DIR}`,
      'usr/bin/tool file 4755 0:0 "#!"',
    ],
  },
  { name: 'the mode of the root', script: 'chmod 700 .', changes: [] },
  {
    name: 'an owner',
    script: 'chown 7:8 etc/one empty; chown -h 5:6 etc/link',
    changes: [
      'empty directory 755 7:8',
      `etc ${DIR}`,
      'etc/link symlink 5:6 =../usr/bin/tool',
      'etc/one file 644 7:8 "one"',
    ],
    needs: 'owners',
  },
  {
    name: 'deletions, before their siblings',
    script: 'rm etc/two etc/conf.d/a; printf n > etc/a; rm -r data/deep',
    changes: [
      `data ${DIR}`,
      'data/deep deleted',
      `etc ${DIR}`,
      'etc/two deleted',
      'etc/a file 644 0:0 "n"',
      `etc/conf.d ${DIR}`,
      'etc/conf.d/a deleted',
    ],
  },
  {
    name: 'the deletion of all',
    script: 'rm -r data empty etc usr',
    changes: ['data deleted', 'empty deleted', 'etc deleted', 'usr deleted'],
  },
  {
    name: 'a directory in the place of a file',
    script: 'rm etc/one; mkdir etc/one; printf i > etc/one/in',
    changes: [`etc ${DIR}`, `etc/one ${DIR}`, 'etc/one/in file 644 0:0 "i"'],
  },
  {
    name: 'a file in the place of a directory',
    script: 'rm -r data/deep; printf f > data/deep',
    changes: [`data ${DIR}`, 'data/deep file 644 0:0 "f"'],
  },
  {
    name: 'a link in the place of a directory',
    script: 'rm -r data/deep; ln -s /etc data/deep',
    changes: [`data ${DIR}`, 'data/deep symlink 0:0 =/etc'],
  },
  {
    name: 'a directory in the place of a link',
    script: 'rm etc/link; mkdir etc/link',
    changes: [`etc ${DIR}`, `etc/link ${DIR}`],
  },
  {
    name: 'a directory deleted and made again',
    script: 'rm -r data; mkdir -p data/deep; printf y > data/deep/new',
    changes: [
      `data ${DIR}`,
      'data/first deleted',
      'data/second deleted',
      'data/x deleted',
      `data/deep ${DIR}`,
      'data/deep/er deleted',
      'data/deep/y deleted',
      'data/deep/new file 644 0:0 "y"',
    ],
  },
  {
    name: 'a directory deleted and made again, empty',
    script: 'rm -r etc/conf.d; mkdir etc/conf.d',
    changes: [`etc ${DIR}`, `etc/conf.d ${DIR}`, 'etc/conf.d/a deleted', 'etc/conf.d/b deleted'].filter(
      (line) => line !== '',
    ),
  },
  {
    name: 'a directory moved',
    script: 'cp -a data/deep data/moved; rm -r data/deep',
    changes: [
      `data ${DIR}`,
      'data/deep deleted',
      `data/moved ${DIR}`,
      `data/moved/er ${DIR}`,
      'data/moved/er/z file 644 0:0 "z"',
      'data/moved/y file 644 0:0 "y"',
    ],
  },
  {
    name: 'a file moved over another',
    script: 'mv etc/one etc/two',
    changes: [`etc ${DIR}`, 'etc/one deleted', 'etc/two file 644 0:0 "one"'],
  },
  {
    name: 'new hard links',
    script: 'mkdir n; printf l > n/b; ln n/b n/a; ln n/b n/c',
    changes: [`n ${DIR}`, 'n/a file 644 0:0 "l"', 'n/b hardlink 644 0:0 =n/a', 'n/c hardlink 644 0:0 =n/a'],
  },
  {
    name: 'a hard link to a file that was there',
    script: 'ln etc/one etc/also',
    changes: [`etc ${DIR}`, 'etc/also file 644 0:0 "one"', 'etc/one hardlink 644 0:0 =etc/also'],
  },
  {
    name: 'one of two hard links deleted',
    script: 'rm data/first',
    changes: [`data ${DIR}`, 'data/first deleted'],
  },
  {
    name: 'links, fifos and odd modes',
    script: 'ln -s /nowhere s; mkfifo f; mkdir -m 1777 t; printf 0 > z; chmod 0 z',
    changes: ['f fifo 644 0:0', 's symlink 0:0 =/nowhere', 't directory 1777 0:0', 'z file 0 0:0 "0"'],
  },
  {
    name: 'a link changed',
    script: 'ln -sfn elsewhere etc/link',
    changes: [`etc ${DIR}`, 'etc/link symlink 0:0 =elsewhere'],
  },
  {
    name: 'names that are no text',
    script: `printf 1 > "$(printf 'n\\377')"; printf 2 > "$(printf 'n\\303\\251')"`,
    changes: ['né file 644 0:0 "2"', 'n\ufffd file 644 0:0 "1"'],
  },
  {
    name: 'extended attributes',
    script: 'setfattr -n user.note -v hi etc/one; setfattr -n user.note -v there empty',
    changes: [
      'empty directory 755 0:0 user.note:7468657265',
      `etc ${DIR}`,
      'etc/one file 644 0:0 "one" user.note:6869',
    ],
    needs: 'xattrs',
  },
];

const sorted = (lines: readonly string[]): readonly string[] => [...lines].sort();

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

    describe.skipIf(harness.skipEdits)('changes()', () => {
      const skipReason = ({ needs }: Edit): string | false =>
        needs === 'owners' ? harness.skipOwners : needs === 'xattrs' ? harness.skipXattrs : false;
      for (const edit of EDITS) {
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
        harness.edit(
          active,
          `rm s; "${process.execPath}" -e "require('net').createServer().listen('s', () => process.exit())"`,
        );
        harness.edit(active, `"${process.execPath}" -e "process.chdir('.'); require('child_process')"; true`);
        expect(sorted(await listChanges(active.changes()))).toEqual(['s deleted']);
      });
    });

    test.skipIf(harness.skipEdits)(
      'makes out of a tree and the changes to another that other tree',
      { timeout: 120_000 },
      async () => {
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
          { numRuns: 25 },
        );
      },
    );

    describe('apply()', () => {
      test('keeps every kind of file as the layer has it', async (context) => {
        const owner = { uid: 1, gid: 2 };
        const xattrs = new Map([[bytesOfText('user.note'), Buffer.from([0, 10, 255])]]);
        const layer = await layerTar(
          directory('d', { mode: 0o1777, ...owner, xattrs: harness.skipXattrs ? new Map() : xattrs }),
          file('d/f', 'content', { mode: 0o4750, ...owner, mtime: { seconds: -5, nanoseconds: 123456789 } }),
          file('d/none', '', { mode: 0 }),
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
          'd/none file 0 0:0 "" @1000.0',
          'd/null character-device 666 0:0 1,3 @1000.0',
          'd/p fifo 622 1:2 @1000.0',
          'd/zero character-device 644 0:0 0,0 @1000.0',
        ]);
        const tree = await snapshotter.tree(id('all'));
        const [f, h] = ['d/f', 'd/h'].map((name) => tree.lstat(bytesOfText(name))?.inode);
        expect(f).toBe(h);
        expect(f).not.toBeNull();
        void context;
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
          'hides all below an opaque directory, but what is in the layer',
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

/** Scripts that make or change small trees, over the same few names so that they meet. */
const names = fc.constantFrom('a', 'b', 'c');
const paths = fc.array(names, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const steps = fc.oneof(
  paths.map((target) => `mkdir -p ${target}`),
  fc.tuple(paths, fc.integer({ min: 0, max: 99 })).map(([target, content]) => `printf ${content} > ${target}`),
  paths.map((target) => `rm -rf ${target}`),
  fc.tuple(paths, paths).map(([target, link]) => `ln -sfn ../${target} ${link}`),
  fc.tuple(paths, fc.constantFrom('700', '755', '1777', '2750')).map(([target, mode]) => `chmod ${mode} ${target}`),
  fc.tuple(paths, fc.constantFrom('new', 'a/new', 'b')).map(([target, moved]) => `cp -a ${target} ${moved}`),
  fc.tuple(paths, paths).map(([target, link]) => `ln -f ${target} ${link}`),
  paths.map((target) => `rm -rf ${target}; mkdir ${target}`),
);
const anyScript = fc
  .array(steps, { minLength: 1, maxLength: 12 })
  .map((list) => list.map((step) => `{ ${step}; } 2>/dev/null`).join('\n') + '\ntrue');
