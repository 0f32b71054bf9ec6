import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeOutputFile } from '../../../src/support/output-file.js';
import { LOCK, lockFile } from '../../../src/support/syscalls.js';
import { UnfinishedFiles } from '../../../src/support/unfinished-files.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unfinished-files-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const path = (name: string): string => join(folder, name);
const TOKEN = '0123456789ab';

test('what a dead writer left beside the target goes when the next one begins', async () => {
  const dead = [
    `.app.tar.${TOKEN}.partial`,
    `.app.tar.001.${'f'.repeat(12)}.partial`,
    `.app.tar.002.${'f'.repeat(12)}.partial`,
  ];
  const others = [
    `.app.tar.7.partial`,
    `.other.tar.${TOKEN}.partial`,
    `app.tar.${TOKEN}.partial`,
    `.app.tar.${TOKEN}.unfinished`,
  ];
  for (const name of [...dead, ...others]) writeFileSync(path(name), 'half');
  using _ = await UnfinishedFiles.begin(path('app.tar'));
  expect(readdirSync(folder).sort()).toEqual(others.sort());
});

test('what a living writer has there stays, the parts that it has closed as well', async () => {
  using living = await UnfinishedFiles.begin(path('app.tar'));
  for (const name of ['app.tar.001', 'app.tar.002']) await (await living.create(name, 0o600)).file.close();
  using _ = await UnfinishedFiles.begin(path('app.tar'));
  expect(readdirSync(folder)).toHaveLength(2);
});

test('a pipe or a link with such a name is neither waited for nor followed', async () => {
  writeFileSync(path('precious'), 'precious');
  const { execFileSync } = await import('node:child_process');
  execFileSync('ln', ['-s', 'precious', path(`.app.tar.${TOKEN}.partial`)]);
  using _ = await UnfinishedFiles.begin(path('app.tar'));
  expect(readdirSync(folder)).toEqual([`.app.tar.${TOKEN}.partial`, 'precious']);
});

test('a writer whose new file is taken for abandoned makes another', async () => {
  using writer = await UnfinishedFiles.begin(path('app.tar'));
  const creating = writer.create('app.tar', 0o600);
  // Before the writer comes to lock it, which it does in its next turn.
  const name = await seen();
  const remover = openSync(path(name), constants.O_RDONLY);
  expect(lockFile(remover, LOCK.exclusive | LOCK.nonblocking)).toBe(true);
  const { path: made, file } = await creating;
  await file.close();
  closeSync(remover);
  expect(made).not.toBe(path(name));
  expect(existsSync(made)).toBe(true);
});

/** Blocks the loop until a file is there: the thread pool makes it meanwhile. */
function seen(): Promise<string> {
  for (;;) {
    const [name] = readdirSync(folder);
    if (name !== undefined) return Promise.resolve(name);
  }
}

test('brief ones go when they are an hour old', async () => {
  const [old, young] = [`.id.${TOKEN}.unfinished`, `.id.${'f'.repeat(12)}.unfinished`];
  for (const name of [old, young]) writeFileSync(path(name), '');
  const longAgo = new Date(Date.now() - 2 * 3_600_000);
  utimesSync(path(old), longAgo, longAgo);
  await writeOutputFile('id', bytes(), { cwd: folder, mode: 0o600, brief: true });
  expect(readdirSync(folder).sort()).toEqual([young, 'id']);
});

async function* bytes(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from('sha256:…'));
}
