import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isUnfinishedName, removeUnfinished, writeFileAtomic, writeFully } from '../../../src/support/atomic-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'atomic-file-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test.each([true, false])('replaces a file and leaves nothing beside it (durable: %s)', async (durable) => {
  const path = join(folder, 'file');
  writeFileSync(path, 'old and longer');
  await writeFileAtomic(path, 'new', { durable, mode: 0o640 });
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(statSync(path).mode & 0o7777).toBe(0o640);
  expect(readdirSync(folder)).toEqual(['file']);
});

test('leaves nothing behind, and the old file alone, when it fails', async () => {
  const path = join(folder, 'taken');
  mkdirSync(join(path, 'inside'), { recursive: true });
  await expect(writeFileAtomic(path, 'new')).rejects.toMatchObject({ code: 'EISDIR' });
  expect(readdirSync(folder)).toEqual(['taken']);
});

test('tells unfinished files by their names', () => {
  expect(isUnfinishedName('index.json.0123456789ab.unfinished')).toBe(true);
  expect(isUnfinishedName('index.json')).toBe(false);
});

test('removeUnfinished() removes those of an hour ago, and minds nobody that finishes meanwhile', async () => {
  const name = (hex: string): string => join(folder, `file.${hex.repeat(12)}.unfinished`);
  for (const path of [name('a'), name('b'), join(folder, 'file')]) writeFileSync(path, '');
  const longAgo = new Date(Date.now() - 2 * 3_600_000);
  for (const path of [name('a'), join(folder, 'file')]) utimesSync(path, longAgo, longAgo);
  await Promise.all([
    removeUnfinished(folder),
    removeUnfinished(folder),
    removeUnfinished(join(folder, 'nosuch')),
    ...Array.from({ length: 50 }, async (_, index) => {
      await writeFileAtomic(join(folder, `written${index % 2}`), 'x', { durable: false });
    }),
    ...Array.from({ length: 50 }, async () => {
      await removeUnfinished(folder);
    }),
  ]);
  expect(readdirSync(folder)).toEqual(['file', `file.${'b'.repeat(12)}.unfinished`, 'written0', 'written1']);
});

test('writeFully() goes on where a short write stopped', async () => {
  const written: number[] = [];
  const file = {
    write: (bytes: Uint8Array) => {
      const bytesWritten = Math.min(3, bytes.byteLength);
      written.push(...bytes.subarray(0, bytesWritten));
      return Promise.resolve({ bytesWritten, buffer: bytes });
    },
  } as unknown as Parameters<typeof writeFully>[0];
  await writeFully(file, Buffer.from([1, 2, 3, 4, 5, 6, 7]));
  expect(written).toEqual([1, 2, 3, 4, 5, 6, 7]);
});
