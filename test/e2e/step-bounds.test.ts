import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cgroupHierarchies } from '../../src/sandbox/resources/cgroup-tree.js';
import { makeCgroups } from '../../src/sandbox/resources/make-cgroups.js';
import { requirement } from '../support/require.js';
import { tsbuild, type CliResult } from '../support/tsbuild.js';

let root: string;
let env: Record<string, string>;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-bounds-'));
  chmodSync(root, 0o755);
  env = { TSBUILD_STORE: join(root, 'store') };
  expect(await tsbuild(['bootstrap', '-q', '-t', 'base'], { env })).toMatchObject({ exitCode: 0 });
});
afterAll(() => rmSync(root, { recursive: true }));

async function build(script: string, words: readonly string[]): Promise<CliResult> {
  const cwd = mkdtempSync(join(root, 'context-'));
  writeFileSync(join(cwd, 'Dockerfile'), `FROM base\nRUN ${script}\n`);
  return await tsbuild(['--progress=plain', '-t', 'x', ...words, '.'], { env, cwd });
}

/** Where the cgroup of a step is made here, or `undefined`; found by making one. */
function cgroupPlace(): string | undefined {
  try {
    const quiet = { controller: 'memory', option: '--memory', files: { 1: [], 2: [] } } as const;
    const [made] = makeCgroups([quiet], cgroupHierarchies());
    if (made === undefined) return undefined;
    rmdirSync(made.directory);
    return join(made.directory, '..');
  } catch {
    return undefined;
  }
}

const place = cgroupPlace();
const cgroups = requirement('cgroups', place !== undefined, 'no cgroup with the memory controller can be made here');

describe.skipIf(cgroups.skip)(`bounds of steps (${cgroups.reason})`, () => {
  const left = (): string[] => readdirSync(place ?? '/').filter((name) => name.startsWith('tsbuild-'));

  test('a step that wants more memory than it may have is killed, and told why', async () => {
    const { exitCode, stderr } = await build('x=0123456789abcdef; while :; do x=$x$x; done', ['--memory', '24m']);
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(
      /error\[RUN_FAILED\]: cannot run .*: (?:killed by SIGKILL|exit code 137 \(killed by SIGKILL\)), out of memory/,
    );
    expect(stderr).toContain('hint: The step wanted more memory than the 24 MiB that --memory allows it');
    expect(left()).toEqual([]);
  });

  test('bounds are no part of the cache, and do not show in the image', async () => {
    const plain = await build('echo the same', ['-q', '--cpus', '0.5', '--memory', '64m']);
    const bounded = await build('echo the same', ['-q']);
    expect(plain).toMatchObject({ exitCode: 0 });
    expect(bounded.stdout).toBe(plain.stdout);
    expect((await build('echo the same', [])).stderr).toContain('CACHED');
  });

  test('a value that the kernel refuses is an error by name, and leaves nothing', async () => {
    const { exitCode, stderr } = await build('echo never', ['--memory=64m', '--cpuset-cpus', '65000']);
    expect({ exitCode, stderr }).toMatchObject({
      stderr: expect.stringMatching(/cannot limit steps by --cpuset-cpus: .*"?65000"?|controller "cpuset"/) as string,
    });
    expect(exitCode).not.toBe(0);
    expect(left()).toEqual([]);
  });

  test('what a killed tsbuild leaves is removed by the next', async () => {
    // Of a process that is no more: process numbers end at 4194304.
    const orphan = join(place ?? '', 'tsbuild-4194305-1-1');
    mkdirSync(orphan);
    expect(await build('echo next', ['--memory', '64m'])).toMatchObject({ exitCode: 0 });
    expect(existsSync(orphan)).toBe(false);
    expect(left()).toEqual([]);
  });
});

describe('name servers', () => {
  test('are those of the command line, in the step and not in the image', async () => {
    const words = ['--dns', '192.0.2.53', '--dns-search', 'corp.test', '--dns-option', 'ndots:3'];
    const { exitCode, stderr } = await build('cat /etc/resolv.conf && echo >/made', words);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    const lines = stderr.split('\n').map((line) => line.replace(/^#\d+ [\d.]+ /, ''));
    for (const line of ['nameserver 192.0.2.53', 'search corp.test', 'options ndots:3']) expect(lines).toContain(line);
    const tar = join(root, 'files.tar');
    expect(await build('echo >/made', ['-o', `type=tar,dest=${tar}`, ...words])).toMatchObject({ exitCode: 0 });
    expect(readFileSync(tar, 'latin1')).not.toContain('192.0.2.53');
  });

  test('--network=host of a step needs leave where the build has a private one', async () => {
    const cwd = mkdtempSync(join(root, 'leave-'));
    writeFileSync(join(cwd, 'Dockerfile'), 'FROM base\nRUN --network=host true\n');
    const { exitCode, stderr } = await tsbuild(['--network', 'private', '.'], { env, cwd });
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("the build keeps steps from the host's network");
    expect(stderr).toContain('--allow network.host');
  });
});
