import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findSystemProgram } from '../../src/support/system-program.js';
import { requirement } from '../support/require.js';

const DRIVER = fileURLToPath(new URL('../support/network-driver.mjs', import.meta.url));
const USER = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-network-'));
  chmodSync(place, 0o755);
});
afterEach(() => rmSync(place, { recursive: true }));

/** What a step sees where just these programs are installed; as root, or as root of a user namespace. */
function observe(programs: readonly string[], substitute?: string): Record<string, unknown> {
  const [bin, work] = ['bin', 'work'].map((name) => join(place, name));
  if (bin === undefined || work === undefined) throw new Error('no folders');
  for (const folder of [bin, work]) mkdirSync(folder);
  for (const name of ['unshare', ...programs]) {
    const program = name === 'unshare' ? undefined : substitute;
    symlinkSync(program ?? findSystemProgram(name) ?? '/nowhere', join(bin, name));
  }
  const setting = JSON.stringify({ directories: [bin], place: work });
  const argv = [...USER, '--net', '--mount', process.execPath, DRIVER, setting];
  const { stdout, stderr, status } = spawnSync('unshare', argv, { encoding: 'utf8', timeout: 60_000 });
  expect({ stderr, status }).toMatchObject({ status: 0 });
  return JSON.parse(stdout) as Record<string, unknown>;
}

function missing(): string | undefined {
  try {
    closeSync(openSync('/dev/net/tun', 'r+'));
  } catch {
    return '/dev/net/tun cannot be opened';
  }
  return ['pasta', 'slirp4netns', 'ip', 'busybox', 'nsenter'].find((name) => findSystemProgram(name) === undefined);
}
const lacking = missing();
const programs = requirement('private-network', lacking === undefined, lacking ?? 'all is there');

test.skipIf(programs.skip).each([
  ['slirp4netns', ['slirp4netns'], '10.0.2.3'],
  ['pasta, where both are installed', ['slirp4netns', 'pasta'], '169.254.1.1'],
])(`by %s a step reaches what is outside, and names, but nothing of the host alone (${programs.reason})`, (...row) => {
  const [, installed, resolver] = row;
  const seen = observe(installed);
  expect(seen).toMatchObject({ resolver, outside: 'from outside\n', loopback: ['', '', ''] });
  expect(seen['name']).toContain('203.0.113.9');
  expect(seen['left']).toEqual([['resolv.conf'], []]);
});

test.skipIf(programs.skip)(`without either, the packages are named (${programs.reason})`, () => {
  expect(observe([])['error']).toEqual({
    code: 'SANDBOX_UNAVAILABLE',
    message: 'cannot give the step a private network: neither "pasta" nor "slirp4netns" is installed',
    hint: expect.stringContaining('Install the package passt (which has pasta) or slirp4netns') as string,
  });
});

test.skipIf(programs.skip)(`where neither works, each is quoted (${programs.reason})`, () => {
  expect(observe(['pasta', 'slirp4netns'], '/bin/false')['error']).toMatchObject({
    code: 'SANDBOX_UNAVAILABLE',
    message: 'cannot give the step a private network: pasta says "nothing", slirp4netns says "nothing"',
  });
});
