import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MachineReport } from '../../src/machine/machine-report.js';
import { requirement } from '../support/require.js';
import { isRoot } from '../support/sandbox-harness.js';
import { tsbuild } from '../support/tsbuild.js';

let directory: string;
let env: Record<string, string>;
/** A store with a base image. */
let built: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tsbuild-info-'));
  env = { TSBUILD_STORE: join(directory, 'store'), HTTPS_PROXY: 'http://user:canary@proxy:3128' };
  built = mkdtempSync(join(tmpdir(), 'tsbuild-built-'));
  const words = ['bootstrap', '-q', '-t', 'base'];
  expect(await tsbuild(words, { env: { TSBUILD_STORE: built } })).toMatchObject({ exitCode: 0 });
});
afterAll(() => {
  for (const place of [directory, built]) rmSync(place, { recursive: true, force: true });
});

async function report(under: readonly string[] = []): Promise<MachineReport> {
  const { exitCode, stdout, stderr } = await tsbuild(['info', '--format', 'json'], { env, under });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).not.toContain('canary');
  return JSON.parse(stdout) as MachineReport;
}

test('tsbuild info tries every kind of isolation, and leaves nothing behind', async () => {
  const { isolation, store, proxies, versions } = await report();
  expect(isolation.trials.map(({ name }) => name)).toEqual(['namespaces', 'oci', 'bwrap', 'chroot']);
  expect(isolation.used).toBe(isolation.trials.find(({ works }) => works)?.name ?? null);
  expect(store).toMatchObject({ root: join(directory, 'store'), exists: false, lacks: [] });
  expect(proxies).toEqual({ HTTPS_PROXY: 'http://***@proxy:3128' });
  expect(versions.node).toBe(process.versions.node);
  expect(existsSync(join(directory, 'store'))).toBe(false);
  expect(readdirSync(directory)).toEqual([]);
});

const NAMELESS = ['setpriv', '--reuid', '4242', '--regid', '4242', '--clear-groups'];

test('a user without a name can ask, and build', async (context) => {
  if (!isRoot) context.skip(requirement('root', false, 'only root can become a user that has no name').reason);
  const { user, isolation } = await report(NAMELESS);
  expect(user).toMatchObject({ uid: 4242, name: null });
  if (isolation.used === null) {
    const { skip, reason } = requirement('sandbox', false, JSON.stringify(isolation.trials));
    if (skip) context.skip(reason);
  }
  const home = mkdtempSync(join(tmpdir(), 'tsbuild-nameless-'));
  try {
    writeFileSync(join(home, 'Dockerfile'), 'FROM base\nRUN echo ran > /x\n');
    chownSync(home, 4242, 4242);
    const options = { env: { HOME: home, TSBUILD_STORE: join(home, 'store') }, under: NAMELESS, cwd: home };
    expect(await tsbuild(['bootstrap', '-q', '-t', 'base'], options)).toMatchObject({ exitCode: 0 });
    expect(await tsbuild(['-q', '-t', 'x', '.'], options)).toMatchObject({ exitCode: 0, stderr: '' });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

test.for(['oci', 'bwrap'])('a build is told to isolate its steps by %s', async (isolation, context) => {
  const { trials } = (await report()).isolation;
  const trial = trials.find(({ name }) => name === isolation);
  if (trial?.works !== true) {
    const { skip, reason } = requirement('sandbox', false, trial?.reason ?? '');
    if (skip) context.skip(reason);
  }
  const place = mkdtempSync(join(tmpdir(), 'tsbuild-isolated-'));
  try {
    const script = [
      'FROM base',
      'RUN --mount=type=secret,id=s --mount=type=cache,target=/c --mount=type=tmpfs,target=/t \\',
      '  cat /run/secrets/s && touch /c/x /t/y && cat /proc/1/comm > /first && id -u > /user',
      'RUN --network=none --mount=type=secret,id=s,env=S echo "$S" | wc -c > /length',
    ];
    writeFileSync(join(place, 'Dockerfile'), script.join('\n'));
    const options = { env: { TSBUILD_STORE: built, S: 'canary' }, cwd: place };
    const words = [
      '--no-cache',
      '--isolation',
      isolation,
      '--secret',
      'id=s,env=S',
      '--output',
      join(place, 'out'),
      '.',
    ];
    expect(await tsbuild(words, options)).toMatchObject({ exitCode: 0 });
    const result = (name: string): string => readFileSync(join(place, 'out', name), 'utf8');
    // Process 1 is the program that a runtime starts; where tsbuild does all itself it is "tsbuild-init".
    expect([result('first'), result('user'), result('length')]).toEqual(['7\n', '0\n', '7\n']);
    expect(existsSync(join(place, 'out/c/x')) || existsSync(join(place, 'out/t/y'))).toBe(false);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
});
