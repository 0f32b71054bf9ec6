import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureDirectory, removeTree } from '../../../src/support/files.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'files-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('ensureDirectory() comes to an end where a folder takes no names', async () => {
  await expect(ensureDirectory('/proc/nosuch/below')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('ensureDirectory() makes parents for the owner alone, and leaves what is there', async () => {
  await ensureDirectory(join(folder, 'a/b'));
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700);
  chmodSync(join(folder, 'a/b'), 0o755);
  await ensureDirectory(join(folder, 'a/b'));
  expect(statSync(join(folder, 'a/b')).mode & 0o777).toBe(0o755);
});

test('removeTree() removes folders that their owner may not enter, and names that are no text', async () => {
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'closed/inner'), { recursive: true });
  writeFileSync(join(tree, 'closed/inner/file'), 'x');
  mkdirSync(Buffer.concat([Buffer.from(`${tree}/closed/`), Buffer.from([0xff, 0xfe])]));
  chmodSync(join(tree, 'closed/inner'), 0);
  chmodSync(join(tree, 'closed'), 0);
  await removeTree(tree);
  expect(existsSync(tree)).toBe(false);
  await expect(removeTree(tree)).resolves.toBeUndefined();
});

test('removeTree() removes folders that are too far down for any path', async () => {
  const tree = join(folder, 'tree');
  // Each step is short; a working directory in a process of its own, as worker threads may have none.
  const script = 'for i in $(seq 30); do mkdir $1 && cd -P $1 || exit 1; done; : > file; mkdir .moved-0';
  mkdirSync(tree);
  execFileSync('sh', ['-c', script, 'sh', 'n'.repeat(200)], { cwd: tree });
  mkdirSync(join(tree, '.moved-0/full'), { recursive: true });
  writeFileSync(join(tree, '.moved-1'), '');
  await removeTree(tree);
  expect(existsSync(tree)).toBe(false);
});
