import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLI, tsbuild, type CliResult } from '../support/tsbuild.js';

// What other builders' options do, by the built command line, over a base of this machine's programs.

let root: string;
let env: Record<string, string>;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-options-'));
  env = { TSBUILD_STORE: join(root, 'store') };
  mkdirSync(join(root, 'context'));
  mkdirSync(join(root, 'data'));
  writeFileSync(join(root, 'data/file'), 'of the host\n');
  const include = ['mkdir', 'ln', 'rm', 'cat', 'touch'].flatMap((name) => ['--include', name]);
  expect((await tsbuild(['bootstrap', '-t', 'base', ...include], { env })).exitCode).toBe(0);
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

function build(
  lines: readonly string[],
  args: readonly string[],
  more: Record<string, string> = {},
): Promise<CliResult> {
  const input = `${lines.join('\n')}\n`;
  const words = ['build', '--progress=plain', '-f', '-', ...args, join(root, 'context')];
  return tsbuild(words, { env: { ...env, ...more }, cwd: root, input });
}

interface Inspected {
  readonly Id: string;
  readonly RootFS: { readonly Layers: readonly string[] };
}

async function inspect(name: string): Promise<Inspected> {
  const { stdout } = await tsbuild(['inspect', name], { env });
  const [image] = JSON.parse(stdout) as [Inspected];
  return image;
}

const LINES = [
  'FROM base AS first',
  'RUN mkdir -p /d/e && echo 1 > /d/one && ln /d/one /d/two && echo gone > /gone',
  'FROM first',
  'RUN rm /gone && echo 3 > /d/e/three',
];

test('--squash makes one layer with the files of all, of the same bytes each time; --save-stages keeps what is below', async () => {
  const args = ['--squash', '--save-stages'];
  const { exitCode, stderr } = await build(LINES, ['-t', 'squashed:1', ...args], { SOURCE_DATE_EPOCH: '1700000000' });
  expect(stderr).toContain('kept stage first as squashed:1-first, sha256:');
  expect(exitCode).toBe(0);
  const [base, whole, first] = [await inspect('base'), await inspect('squashed:1'), await inspect('squashed:1-first')];
  expect(whole.RootFS.Layers.slice(0, -1)).toEqual(base.RootFS.Layers);
  expect(first.RootFS.Layers).toHaveLength(base.RootFS.Layers.length + 1);
  expect(await tsbuild(['save', '-o', join(root, 'saved.tar'), 'squashed:1'], { env })).toMatchObject({ exitCode: 0 });
  const layer = `blobs/sha256/${whole.RootFS.Layers.at(-1)?.slice('sha256:'.length) ?? ''}`;
  const tar = execFileSync('tar', ['xOf', join(root, 'saved.tar'), layer], { maxBuffer: 1 << 28 });
  const listed = spawnSync('tar', ['tvf', '-'], { input: tar, encoding: 'utf8' }).stdout;
  expect(listed).toMatch(/d\/one\n.* d\/two link to d\/one\n/);
  expect(listed).toContain('d/e/three');
  expect(listed).not.toContain('gone');
  const other = { TSBUILD_STORE: join(root, 'other'), SOURCE_DATE_EPOCH: '1700000000' };
  const copied = ['--additional-store', join(root, 'store'), '--no-cache'];
  expect((await build(LINES, ['-t', 'squashed:1', '--squash', ...copied], other)).exitCode).toBe(0);
  const again = await tsbuild(['inspect', ...copied.slice(0, 2), '-f', '{{.Id}}', 'squashed:1'], { env: other });
  expect(again.stdout.trim()).toBe(whole.Id);
});

test('--volume is there for steps and in no layer; what is in it does not count for the cache, where it goes does', async () => {
  const lines = ['FROM base', 'RUN cat /mnt/file && touch /mnt/made'];
  const read = await build(lines, ['-t', 'v', '-v', './data:/mnt:ro']);
  expect(read.stderr).toMatch(/of the host\n/);
  expect(read.stderr).toContain('Read-only file system');
  expect(read.exitCode).not.toBe(0);
  expect((await build(lines, ['-t', 'v', '-v', './data:/mnt'])).stderr).toContain('of the host');
  expect(readFileSync(join(root, 'data/made'), 'utf8')).toBe('');
  writeFileSync(join(root, 'data/file'), 'changed\n');
  expect((await build(lines, ['-t', 'v', '-v', './data:/mnt'])).stderr).toContain('CACHED');
  const [moved] = [await build(['FROM base', 'RUN cat /other/file'], ['-v', './data:/other'])];
  expect(moved.stderr).toContain('changed');
});

test('--cache-ttl does old steps anew, --pull=never asks nobody, and --logfile has what would be shown', async () => {
  const lines = ['FROM base', 'RUN echo once'];
  expect((await build(lines, ['-t', 'ttl'])).exitCode).toBe(0);
  expect((await build(lines, ['-t', 'ttl', '--cache-ttl=1h'])).stderr).toContain('CACHED');
  const anew = await build(lines, ['-t', 'ttl', '--cache-ttl=0s', '--logfile', 'log', '--rm']);
  expect([anew.exitCode, anew.stderr]).toEqual([0, '']);
  const log = readFileSync(join(root, 'log'), 'utf8');
  expect(log).toMatch(/RUN echo once\n#\d+ \d+\.\d+ once\n/);
  expect(log).toContain('note: --rm has no effect: a build leaves no container behind');
  const never = await build(['FROM registry.invalid/x'], ['--pull=never']);
  expect(never.stderr).toContain('cannot use image "registry.invalid/x:latest": the store has none for');
});

test('--pull=newer asks the registry, and goes on with what is there when it cannot be reached', async () => {
  expect((await tsbuild(['tag', 'base', '127.0.0.1:1/base:1'], { env })).exitCode).toBe(0);
  const lines = ['FROM 127.0.0.1:1/base:1', 'RUN echo once'];
  const newer = await build(lines, ['--pull=newer', '--retry=0']);
  expect(newer.stderr).toContain('used 127.0.0.1:1/base:1 of the store, which may be old: ');
  expect(newer.exitCode).toBe(0);
  const always = await build(lines, ['--pull']);
  expect(always.stderr).toContain('error[REGISTRY_UNREACHABLE]');
});

test.each([
  ['--retry=0', 1],
  ['--retry=2', 3],
])('with %s a registry that is out of order is asked %i times', async (option, times) => {
  let asked = 0;
  const server = createServer((request, response) => {
    if (request.method === 'HEAD' && request.url?.includes('/manifests/') === true) asked += 1;
    response.writeHead(503).end();
  });
  server.listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const name = `127.0.0.1:${(server.address() as AddressInfo).port}/base`;
    const { exitCode } = await build([`FROM ${name}`], ['--pull', option, '--retry-delay=1ms']);
    expect([exitCode === 0, asked]).toEqual([false, times]);
  } finally {
    server.close();
  }
});

test('under the name executor it is kaniko', async () => {
  writeFileSync(join(root, 'context/Dockerfile'), 'FROM base\nCOPY Dockerfile /\n');
  execFileSync('tar', ['cf', join(root, 'context.tar'), '-C', join(root, 'context'), 'Dockerfile']);
  symlinkSync(CLI, join(root, 'executor'));
  const words = ['-c', `tar://${join(root, 'context.tar')}`, '--no-push', '-d', 'k', '--oci-layout-path', 'layout'];
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'executor'), ...words, '--snapshot-mode=redo'], {
    ...{ cwd: root, encoding: 'utf8' },
    env: { PATH: process.env['PATH'], HOME: root, ...env },
  });
  expect(stderr).toContain('--snapshot-mode has no effect');
  expect(status).toBe(0);
  expect(JSON.parse(readFileSync(join(root, 'layout/index.json'), 'utf8'))).toMatchObject({ schemaVersion: 2 });
});
