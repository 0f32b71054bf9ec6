import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applyLayer } from '../../../../src/layers/apply/apply-layer.js';
import { createDirectoryTree } from '../../../../src/layers/directory-tree.js';
import { readTar } from '../../../../src/layers/tar/read-tar.js';
import { openTarTree } from '../../../../src/layers/tar-tree.js';
import { ROOT } from '../../../../src/support/byte-path.js';
import { bytesOfText } from '../../../../src/support/byte-string.js';
import { collectBytes, inChunks } from '../../../support/byte-source.js';
import { directory, fifo, file, hardlink, layerTar, symlink } from '../../../support/layer-entries.js';
import { listTree } from '../../../support/listing.js';
import { requirement } from '../../../support/require.js';

const version = spawnSync('tar', ['--version'], { encoding: 'utf8' });
const gnu = requirement('tar', version.status === 0 && version.stdout.includes('GNU tar'), 'needs GNU tar');
const isRoot = process.getuid?.() === 0;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gnu-tar-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});
const shell = (script: string): Buffer =>
  execFileSync('sh', ['-ec', script], { cwd: folder, maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] });

type Part = readonly [offset: number, text: string];

function sparseFile(name: string, { parts, size }: { readonly parts: readonly Part[]; readonly size: number }): void {
  const descriptor = openSync(path.join(folder, 'src', name), 'w');
  for (const [offset, text] of parts) writeSync(descriptor, text, offset);
  ftruncateSync(descriptor, size);
  closeSync(descriptor);
}

describe.skipIf(gnu.skip)('GNU tar', () => {
  test('reads what writeTar() writes', async () => {
    const owner = isRoot
      ? { uid: 3_000_000, gid: 70_000 }
      : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const long = `${'long/'.repeat(60)}é`;
    const layer = await layerTar(
      directory('d', { ...owner, mode: 0o1755 }),
      file('d/f', 'x'.repeat(70_000), {
        ...owner,
        mode: 0o4711,
        mtime: { seconds: 1234567890, nanoseconds: 123456789 },
      }),
      file('d/old', '', { ...owner, mtime: { seconds: -3, nanoseconds: 500_000_000 } }),
      file('d/future', '', { ...owner, mtime: { seconds: 10_000_000_000, nanoseconds: 0 } }),
      symlink('d/l', `${'x/'.repeat(90)}ü`, owner),
      hardlink('d/h', 'd/f'),
      fifo('d/p', owner),
      file(long, 'deep', { ...owner, xattrs: new Map([[bytesOfText('user.bytes'), Buffer.from([0xff, 0x0a, 0x20])]]) }),
    );
    await writeFile(path.join(folder, 'layer.tar'), layer);
    shell('mkdir out && tar --xattrs --same-owner -xpf layer.tar -C out');
    const lines = listTree(createDirectoryTree(path.join(folder, 'out')), { times: true });
    const id = `${owner.uid}:${owner.gid}`;
    expect(lines.filter((line) => line.startsWith('d'))).toEqual([
      `d directory 1755 ${id} @1000.0`,
      expect.stringMatching(`^d/f file 4711 ${id} 70000 bytes .* @1234567890.123456789$`),
      `d/future file 644 ${id} "" @10000000000.0`,
      expect.stringMatching(`^d/h file 4711 ${id} 70000 bytes`),
      `d/l symlink ${id} =${'x/'.repeat(90)}ü @1000.0`,
      `d/old file 644 ${id} "" @-3.500000000`,
      `d/p fifo 644 ${id} @1000.0`,
    ]);
    expect(lines.at(-1)).toBe(`${long} file 644 ${id} "deep" @1000.0 user.bytes:ff0a20`);
  });

  test.each(['gnu', 'posix', 'ustar', 'v7', 'oldgnu'])('writes format %s, which readTar() reads', async (format) => {
    shell(`
      mkdir -p src/sub; cd src; printf hello > f; printf '' > e; ln f h; ln -s f s; mkfifo p; chmod 4750 f
      touch -d @1000 f e p sub; touch -h -d @1000 s
    `);
    if (!['ustar', 'v7'].includes(format)) {
      shell(`cd src; n=$(printf 'n%.0s' $(seq 150)); printf long > $n; ln -s $n$n to-$n; touch -d @-7 old`);
    }
    const entries: string[] = [];
    const fifos = format === 'v7' ? '--exclude=./p' : '';
    const archive = shell(`cd src; tar --format=${format} --sort=name ${fifos} -cf - .`);
    for await (const { entry, body } of readTar(inChunks(archive, 700))) {
      const content = (await collectBytes(body)).toString();
      entries.push(`${entry.path} ${entry.type} ${entry.linkTarget ?? content} @${entry.mtime.seconds}`);
    }
    const n = 'n'.repeat(150);
    expect(entries.slice(1)).toEqual([
      'e file  @1000',
      'f file hello @1000',
      'h hardlink f @1000',
      ...(['ustar', 'v7'].includes(format) ? [] : [expect.stringMatching(`^${n} file long @`), 'old file  @-7']),
      ...(format === 'v7' ? [] : ['p fifo  @1000']),
      's symlink f @1000',
      'sub directory  @1000',
      ...(['ustar', 'v7'].includes(format) ? [] : [expect.stringMatching(`^to-${n} symlink ${n}${n} @`)]),
    ]);
    expect(entries[0]).toMatch(/^ directory {2}@/);
  });

  test.skipIf(!isRoot)('writes large owners and binary attributes, which readTar() reads (needs root)', async () => {
    shell('mkdir src; printf x > src/f; chown 3000000000:4000000000 src/f; setfattr -n user.b -v 0x00ff0a src/f');
    for (const options of ['--format=gnu', '--format=posix --xattrs']) {
      const archive = shell(`cd src; tar ${options} -cf - f`);
      for await (const { entry } of readTar(inChunks(archive))) {
        expect([entry.uid, entry.gid]).toEqual([3_000_000_000, 4_000_000_000]);
        const value = entry.xattrs.get(bytesOfText('user.b'));
        if (options.includes('xattrs')) expect(Buffer.from(value ?? []).toString('hex')).toBe('00ff0a');
      }
    }
  });

  describe.each([
    ['old GNU', '--format=gnu'],
    ['PAX 0.0', '--format=posix --sparse-version=0.0'],
    ['PAX 0.1', '--format=posix --sparse-version=0.1'],
    ['PAX 1.0', '--format=posix --sparse-version=1.0'],
  ])('writes sparse files as %s', (_, options) => {
    const long = 'n'.repeat(130);
    // So many parts that old GNU and PAX 1.0 need more than one block to name them; a hole at the end; nothing but a hole.
    const make = (): Buffer => {
      const parts = Array.from({ length: 61 }, (_, index): Part => [index * 100_000 + 4096, `part ${index}`]);
      shell('mkdir src');
      sparseFile('parts', { parts, size: 6_010_000 });
      sparseFile('hole', { parts: [], size: 1 << 20 });
      sparseFile(long, { parts: [[0, 'abc']], size: 200_001 });
      sparseFile('z', { parts: [[0, 'plain']], size: 5 });
      return shell(`cd src; touch -d @1000 *; tar --sparse ${options} -cf ../s.tar hole parts ${long} z; cat ../s.tar`);
    };
    const expected = (): Map<string, Buffer> =>
      new Map(['hole', 'parts', long, 'z'].map((name) => [name, readFileSync(path.join(folder, 'src', name))]));

    test('which readTar() reads, wherever it is cut into chunks', async () => {
      const archive = make();
      expect(archive.length).toBeLessThan(2_000_000);
      for (const chunkSize of [512, 700, 1 << 16, 1 << 22]) {
        const found = new Map<string, Buffer>();
        for await (const { entry, body } of readTar(inChunks(archive, chunkSize))) {
          const content = await collectBytes(body);
          expect([entry.type, entry.size, entry.mtime.seconds]).toEqual(['file', content.length, 1000]);
          found.set(entry.path, content);
        }
        expect(sameContents(found, expected())).toEqual([]);
      }
    });

    test('which a tree of the archive reads', async () => {
      make();
      const tree = await openTarTree(path.join(folder, 's.tar'));
      const found = tree.list(ROOT).map((name): [string, Buffer] => {
        return [name, Buffer.concat([...tree.read(name)].map((chunk) => Buffer.from(chunk)))];
      });
      expect(sameContents(new Map(found), expected())).toEqual([]);
    });

    test('which applyLayer() writes with their holes', async () => {
      const archive = make();
      const root = path.join(folder, 'root');
      await mkdir(root);
      await applyLayer(inChunks(archive, 5000), {
        root: bytesOfText(root),
        ownership: isRoot ? 'real' : 'recorded',
        owners: new Map(),
        overlay: null,
      });
      const names = await readdir(root);
      const found = names.map((name): [string, Buffer] => [name, readFileSync(path.join(root, name))]);
      expect(sameContents(new Map(found), expected())).toEqual([]);
      expect(statSync(path.join(root, 'parts')).blocks).toBeLessThan(4000);
      expect(statSync(path.join(root, 'hole')).blocks).toBeLessThan(100);
    });
  });
});

/** The names of files that are not the same in both. Equality of large buffers is quicker told without a matcher. */
function sameContents(one: ReadonlyMap<string, Buffer>, other: ReadonlyMap<string, Buffer>): string[] {
  const names = new Set([...one.keys(), ...other.keys()]);
  return [...names].filter((name) => one.get(name)?.equals(other.get(name) ?? Buffer.from('none')) !== true);
}
