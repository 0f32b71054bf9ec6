import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tsbuild } from '../support/tsbuild.js';

let directory: string;
let env: Record<string, string>;
const run = (...args: string[]) => tsbuild(args, { env, cwd: directory });

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tsbuild-remove-'));
  env = { TSBUILD_STORE: join(directory, 'store') };
  writeFileSync(join(directory, 'Dockerfile'), 'FROM base\nRUN mkdir -m 000 /closed && echo x > /x\n');
  expect((await run('bootstrap', '-t', 'base')).exitCode).toBe(0);
  expect((await run('-q', '-t', 'x', '-t', 'x:2', '.')).exitCode).toBe(0);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Of every kind of snapshot, how many there are. */
function snapshots(): number {
  const root = join(directory, 'store/snapshots');
  if (!existsSync(root)) return 0;
  const kinds = readdirSync(root).flatMap((mapping) =>
    readdirSync(join(root, mapping)).map((kind) => join(root, mapping, kind)),
  );
  return kinds.reduce((sum, kind) => sum + readdirSync(kind).length, 0);
}

test('rmi of one of two names only untags', async () => {
  const { exitCode, stdout } = await run('rmi', 'x:2');
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'Untagged: x:2\n' });
  expect((await run('images', '-q', 'x')).stdout).not.toBe('');
});

test('rmi of the last name removes what nothing else needs; what the cache needs stays', async () => {
  expect(snapshots()).toBe(2);
  const { stdout } = await run('rmi', 'x');
  expect(stdout).toMatch(/^Untagged: x:latest\nDeleted: sha256:[0-9a-f]{64}\n$/);
  const rebuilt = await run('-t', 'x', '--progress', 'plain', '.');
  expect(rebuilt.stderr.match(/CACHED/g)).toHaveLength(2);
});

test('snapshots go with the records and images that reach them', async () => {
  rmSync(join(directory, 'store/records/step'), { recursive: true });
  expect((await run('rmi', 'x', 'base')).exitCode).toBe(0);
  expect(snapshots()).toBe(0);
  expect(readdirSync(join(directory, 'store/blobs/sha256'))).toEqual([]);
});

test('rmi of an image that is not there names it and exits with 7', async () => {
  const { exitCode, stderr } = await run('rmi', 'nothing');
  expect(exitCode).toBe(7);
  expect(stderr).toContain('cannot find image "nothing"');
});
