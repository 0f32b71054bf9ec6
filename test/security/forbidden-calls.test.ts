import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import { LAST_KNOWN_CALL, syscallNumbers } from '../../src/sandbox/seccomp/syscall-table.js';
import { requirement } from '../support/require.js';
import { isRoot, openSandbox, shell, type SandboxHarness, type SandboxKind } from '../support/sandbox-harness.js';

// Every system call that Docker's profile does not have, tried in a step of every sandbox that has a filter.

/** Says of each number how the call of it failed: with all arguments 0, and so with no effect. */
const PROBE = `
  #include <errno.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <unistd.h>
  int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
      errno = 0;
      long result = syscall(atol(argv[i]), 0, 0, 0, 0, 0, 0);
      printf("%s %d\\n", argv[i], result < 0 ? errno : 0);
      fflush(stdout);
    }
    return 0;
  }`;

const [EPERM, ENOSYS] = [1, 38];
const allowed = new Set(syscallNumbers(process.arch === 'arm64' ? 'aarch64' : 'x86_64').values());
/** Without the numbers that no kernel of this machine has a call for, between the old ones and those common to all machines. */
const forbidden = [...new Array(LAST_KNOWN_CALL + 1).keys()].filter(
  (number) => !allowed.has(number) && (number < 335 || number >= 424),
);

let place: string;
let compiled: string | null;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-calls-'));
  writeFileSync(join(place, 'probe.c'), PROBE);
  const options = ['-static', '-o', join(place, 'probe'), join(place, 'probe.c')];
  const { error, status, stderr } = spawnSync(process.env['CC'] ?? 'gcc', options, { encoding: 'utf8' });
  compiled = error === undefined ? null : `no compiler for the probe: ${error.message}`;
  if (error === undefined && status !== 0) throw new Error(stderr);
});
afterAll(() => rmSync(place, { recursive: true }));

const as = isRoot ? 'root' : 'user with one id';
const kinds: readonly SandboxKind[] = [
  { title: 'namespaces', isolation: 'namespaces', rootfs: 'directory', as },
  { title: 'crun', isolation: 'oci', runtime: 'crun', rootfs: 'directory', as },
  { title: 'runc', isolation: 'oci', runtime: 'runc', rootfs: 'directory', as },
  { title: 'bwrap', isolation: 'bwrap', runtime: 'bwrap', rootfs: 'directory', as },
];

async function withSandbox<T>(
  context: TestContext,
  kind: SandboxKind,
  act: (sandbox: SandboxHarness) => Promise<T>,
): Promise<T> {
  const sandbox = compiled ?? (await openSandbox(kind));
  if (typeof sandbox !== 'string') {
    try {
      return await act(sandbox);
    } finally {
      await sandbox.close();
    }
  }
  const { skip, reason } = requirement('sandbox', false, sandbox);
  if (skip || compiled !== null) context.skip(reason);
  throw new Error(reason);
}

/** The errno of each call. */
async function probe(
  sandbox: SandboxHarness,
  calls: readonly number[],
  privileged: boolean,
): Promise<Map<number, number>> {
  const files = [{ path: 'bin/probe', from: join(place, 'probe'), mode: 0o755 }];
  const { stdout, error } = await sandbox.run({ spec: shell(`probe ${calls.join(' ')}`, { privileged }), files });
  expect(error).toBeUndefined();
  return new Map(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ').map(Number) as [number, number]),
  );
}

describe.each(kinds)('in a step of $title', (kind) => {
  test('each call that the profile does not have is refused', async (context) => {
    const errors = await withSandbox(context, kind, (sandbox) => probe(sandbox, forbidden, false));
    expect([...errors.keys()]).toEqual(forbidden);
    // A runtime says of calls newer than its library that they are not there, and is as right.
    const fine = (errno: number): boolean => errno === EPERM || (kind.isolation === 'oci' && errno === ENOSYS);
    expect([...errors].filter(([, errno]) => !fine(errno))).toEqual([]);
    expect([...errors.values()].filter((errno) => errno === EPERM).length).toBeGreaterThan(40);
  });
});

/** Forbidden calls that take no capability and, with all arguments 0, change nothing. */
const HARMLESS = {
  mbind: 237,
  set_mempolicy: 238,
  get_mempolicy: 239,
  keyctl: 250,
  unshare: 272,
  setns: 308,
  kcmp: 312,
};

test('it is the filter that refuses them: without it they fail otherwise', async (context) => {
  if (process.arch !== 'x64') context.skip('the numbers are those of x86_64');
  const kind: SandboxKind = { title: '', isolation: 'namespaces', rootfs: 'directory', as };
  const numbers = Object.values(HARMLESS);
  expect(numbers.filter((number) => !forbidden.includes(number))).toEqual([]);
  const errors = await withSandbox(context, kind, (sandbox) => probe(sandbox, numbers, true));
  expect([...errors].filter(([, errno]) => errno === EPERM)).toEqual([]);
});
