import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { extractFiles } from '../../../src/layers/extract-files.js';
import { streamOf } from '../../support/byte-source.js';
import { device, directory, fifo, file, hardlink, layerTar, symlink } from '../../support/layer-entries.js';

let outside: string;
let folder: string;
beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'tsbuild-extract-'));
  folder = join(outside, 'a/b');
});
afterEach(() => {
  rmSync(outside, { recursive: true });
});

async function extract(tar: Uint8Array): Promise<readonly string[]> {
  const leftOut: string[] = [];
  const signal = new AbortController().signal;
  await extractFiles(streamOf([tar]), folder, { signal, onLeftOut: (path) => void leftOut.push(path) });
  return leftOut;
}

const stat = (path: string) => lstatSync(join(folder, path));

describe('extractFiles()', () => {
  test("writes files, links and pipes with their modes and times, as the calling user's", async () => {
    await extract(
      await layerTar(
        directory('d', { mode: 0o750, uid: 5, gid: 6 }),
        file('d/f', 'text', { mode: 0o640, uid: 1234, gid: 1234, mtime: { seconds: 77, nanoseconds: 0 } }),
        symlink('d/s', '../x', { uid: 5 }),
        hardlink('d/h', 'd/f'),
        fifo('d/p'),
      ),
    );
    const { uid, gid } = lstatSync(outside);
    expect(readFileSync(join(folder, 'd/f'), 'utf8')).toBe('text');
    expect(['d', 'd/f', 'd/s', 'd/p'].map((path) => [stat(path).uid, stat(path).gid])).toEqual(
      Array.from({ length: 4 }, () => [uid, gid]),
    );
    expect([stat('d').mode & 0o7777, stat('d/f').mode & 0o7777]).toEqual([0o750, 0o640]);
    expect([stat('d/f').mtimeMs, stat('d').mtimeMs]).toEqual([77_000, 1_000_000]);
    expect([stat('d/h').ino, stat('d/p').isFIFO()]).toEqual([stat('d/f').ino, true]);
  });

  test('takes set-user-ID bits away and leaves devices out, and says so', async () => {
    const leftOut = await extract(await layerTar(file('x', '', { mode: 0o6755 }), device('null', 1, 3)));
    expect(stat('x').mode & 0o7777).toBe(0o755);
    expect({ leftOut, names: readdirSync(folder) }).toEqual({ leftOut: ['/null'], names: ['x'] });
  });

  test("keeps what else is there, and the folder's own mode", async () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, 'old'), 'old');
    writeFileSync(join(folder, 'x'), 'replaced');
    await extract(await layerTar(directory('', { mode: 0o777 }), file('x', 'new')));
    expect([stat('').mode & 0o777, readFileSync(join(folder, 'x'), 'utf8')]).toEqual([0o700, 'new']);
    expect(readdirSync(folder)).toEqual(['old', 'x']);
  });

  test("nothing leaves the folder, neither by the tar's links nor by those that are there", async () => {
    mkdirSync(folder, { recursive: true });
    symlinkSync('../..', join(folder, 'out'));
    await extract(await layerTar(file('out/a', '1'), symlink('up', '/'), file('up/b', '2')));
    expect(readdirSync(outside)).toEqual(['a']);
    expect([existsSync('/b'), readFileSync(join(folder, 'b'), 'utf8')]).toEqual([false, '2']);
  });

  test('a folder that cannot be made is an error that names it', async () => {
    writeFileSync(join(outside, 'a'), '');
    await expect(extract(await layerTar(file('x')))).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: `cannot write files to "${folder}": a part of the path is no folder`,
    });
  });

  test('cancelling ends it', async () => {
    const abort = new AbortController();
    abort.abort();
    const extracting = extractFiles(streamOf([await layerTar(file('x'))]), folder, {
      signal: abort.signal,
      onLeftOut: () => undefined,
    });
    await expect(extracting).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
