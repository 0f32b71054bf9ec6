import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readUpTo } from '../../../src/support/read-up-to.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsbuild-read-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('readUpTo()', () => {
  test.each([0, 1, 999, 1000])('reads a file of %i bytes whole', async (size) => {
    const file = join(folder, 'file');
    await writeFile(file, 'x'.repeat(size));
    expect(await readUpTo(file, 1000)).toHaveLength(size);
  });

  test.each([1001, 5000, 100_000])('reads one byte beyond the limit of a file of %i bytes', async (size) => {
    const file = join(folder, 'long');
    await writeFile(file, 'x'.repeat(size));
    expect(await readUpTo(file, 1000)).toHaveLength(1001);
  });

  test('reads a file that says it is empty', async () => {
    const limits = await readUpTo('/proc/self/limits', 100_000);
    expect(Buffer.from(limits ?? []).toString()).toMatch(/^Limit[^]*Max realtime timeout.*\n$/);
    const maps = await readUpTo('/proc/self/smaps', 20_000);
    expect(maps).toHaveLength(20_001);
  });

  test.each([
    ['whole', 50_000, 50_000],
    ['up to the limit', 70_000, 60_001],
  ])('reads a pipe %s', async (_, given, taken) => {
    const pipe = join(folder, `pipe-${given}`);
    execFileSync('mkfifo', [pipe]);
    const written = writeFile(pipe, 'y'.repeat(given)).catch((error: unknown) => error);
    expect(await readUpTo(pipe, 60_000)).toHaveLength(taken);
    await written;
  });

  test('finds nothing where nothing is, and fails for a directory and below a file', async () => {
    await writeFile(join(folder, 'file'), '');
    expect(await readUpTo(join(folder, 'none'), 10)).toBeUndefined();
    await expect(readUpTo(folder, 10)).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(readUpTo(join(folder, 'file', 'none'), 10)).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});
