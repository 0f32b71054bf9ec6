import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDirectoryTree } from '../../../../src/layers/directory-tree.js';
import { readTar } from '../../../../src/layers/tar/read-tar.js';
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

  test('writes sparse files, which readTar() refuses', async () => {
    shell('truncate -s 1M s; printf x >> s');
    for (const format of ['gnu', 'posix']) {
      const archive = shell(`tar --sparse --format=${format} -cf - s`);
      const reading = async (): Promise<void> => {
        for await (const item of readTar(inChunks(archive))) void item;
      };
      await expect(reading()).rejects.toMatchObject({ code: 'LAYER_INVALID' });
    }
  });
});
