import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tsbuild, type CliResult } from '../support/tsbuild.js';

let folder: string;
let content = 'one';
const server = createServer((_, response) => response.end(content));
let address: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsbuild-lock-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the server has a port');
  address = `127.0.0.1:${bound.port}`;
  writeFileSync(join(folder, 'Dockerfile'), `FROM base\nADD http://me:secret@${address}/f /f\n`);
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

function run(store: string, ...words: string[]): Promise<CliResult> {
  return tsbuild(words, { cwd: folder, env: { TSBUILD_STORE: join(folder, store) } });
}

test('a build keeps to what was pinned, until it is pinned anew', async () => {
  await run('store', 'bootstrap', '-t', 'base');
  const missing = await run('store', '--frozen', '.');
  expect(missing).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('LOCK_OUTDATED') as string });

  expect(await run('store', '--lock', '-t', 'x:1', '.')).toMatchObject({ exitCode: 0 });
  const lock = (): string => readFileSync(join(folder, 'tsbuild.lock'), 'utf8');
  const before = lock();
  expect(Object.keys((JSON.parse(before) as { images: object }).images)).toHaveLength(1);
  expect(before).toContain(`"http://${address}/f": "sha256:`);
  expect(before).not.toContain('secret');

  content = 'two';
  // What is pinned is here, and need not be asked for.
  const frozen = await run('store', '--frozen', '-t', 'x:2', '.');
  expect({ ...frozen, stdout: '' }).toMatchObject({ exitCode: 0 });
  // Who has never had it is told that it has changed, and where it stands.
  await run('other', 'bootstrap', '-t', 'base');
  const changed = await run('other', '.');
  expect(changed.exitCode).toBe(3);
  expect(changed.stderr).toMatch(
    /it is sha256:[0-9a-f]{64}, and tsbuild\.lock pins sha256:[0-9a-f]{64}\n --> Dockerfile:2:1/,
  );
  expect(lock()).toBe(before);

  expect(await run('store', '--lock', '.')).toMatchObject({ exitCode: 0 });
  expect(lock()).not.toBe(before);
  expect(await run('other', '--frozen', '.')).toMatchObject({ exitCode: 0 });
});
