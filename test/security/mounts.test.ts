import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import { parseMount } from '../../src/parser/instructions/run/parse-mount.js';
import type { Mount } from '../../src/sandbox/run-spec.js';
import { requirement } from '../support/require.js';
import {
  isRoot,
  openSandbox,
  shell,
  type SandboxHarness,
  type TestOutcome,
  type TestRun,
} from '../support/sandbox-harness.js';

// What a stage, a cache or a context that is mounted into a step may try, each named by the report about it.

let place: string;
let canary: string;
let harness: SandboxHarness | string;
beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-mounted-'));
  canary = join(place, 'canary');
  mkdirSync(join(place, 'stage/below'), { recursive: true });
  writeFileSync(canary, 'untouched');
  writeFileSync(join(place, 'stage/below/file'), "the stage's");
  harness = await openSandbox({
    title: '',
    isolation: 'namespaces',
    rootfs: 'overlay',
    as: isRoot ? 'root' : 'user with one id',
  });
});
afterAll(async () => {
  if (typeof harness !== 'string') await harness.close();
  expect(readFileSync(canary, 'utf8')).toBe('untouched');
  rmSync(place, { recursive: true });
});

function run(context: TestContext, request: TestRun): Promise<TestOutcome> {
  if (typeof harness !== 'string') return harness.run(request);
  const { skip, reason } = requirement('sandbox', false, harness);
  if (skip) context.skip(reason);
  throw new Error(reason);
}

const bound = (path: string, more: Partial<Extract<Mount, { type: 'bind' }>> = {}): Mount => ({
  type: 'bind',
  source: { kind: 'directory', path: join(place, 'stage') },
  path,
  target: '/m',
  readonly: false,
  ...more,
});

describe('a link in what is mounted leads nowhere but into it (CVE-2024-1753)', () => {
  const up = '../'.repeat(30);
  test.each([
    ['the root', '/'],
    ['above the root', up],
    ['a folder by its place on the host', '/below'],
    ['one that climbs first', `${up}below`],
  ])('to %s', async (_name, target) => {
    const link = join(place, 'stage/link');
    symlinkSync(target, link);
    try {
      const script =
        'ls /m /m/below 2>/dev/null; cat /m/file /m/below/file 2>/dev/null; ls -d /m/etc /m/proc 2>/dev/null';
      const context = { skip: (reason: string) => expect.fail(reason) } as unknown as TestContext;
      const { stdout } = await run(context, { spec: shell(script, { mounts: [bound('link')] }) });
      expect(stdout).toContain("the stage's");
      expect(stdout).not.toMatch(/\/m\/(etc|proc)/);
    } finally {
      rmSync(link);
    }
  });

  test('out of it by its own name, to a file of the host', async (context) => {
    symlinkSync(canary, join(place, 'stage/out'));
    const { error } = await run(context, { spec: shell('true', { mounts: [bound('out')] }) });
    expect(error?.message).toBe('cannot mount "/m": its source "/out" does not exist');
    rmSync(join(place, 'stage/out'));
  });

  test('to what it is of this process (/proc/self/root)', async (context) => {
    symlinkSync('/proc/self/root', join(place, 'stage/magic'));
    const { error } = await run(context, { spec: shell('true', { mounts: [bound('magic/etc')] }) });
    expect(error?.message).toContain('does not exist');
    rmSync(join(place, 'stage/magic'));
  });
});

describe('a target is in the image, whatever its links say', () => {
  test.for(['/out/x', '/abs', '/deep/../../../..//abs/y'])('%s', async (target, context) => {
    const files = [
      { path: 'out', link: '../'.repeat(20) + place.slice(1) },
      { path: 'abs', link: join(place, 'made') },
    ];
    const mounts = [{ type: 'tmpfs', target, readonly: false }] as const;
    const { result, changes } = await run(context, { spec: shell('true', { mounts }), files });
    expect(result).toEqual({ outcome: 'exited', exitCode: 0 });
    expect(readdirSync(place).sort()).toEqual(['canary', 'stage']);
    expect(changes.filter((path) => path !== '/')).toEqual([]);
  });

  test('a secret is not written where a link of the image leads', async (context) => {
    const files = [{ path: 'run/secrets', link: place }];
    const secret = { type: 'file', content: Buffer.from('hidden'), target: '/run/secrets/s', mode: 0o400 } as const;
    const mounts = [{ ...secret, uid: 0, gid: 0, confidential: true }];
    const { stdout } = await run(context, { spec: shell('cat /run/secrets/s', { mounts }), files });
    expect(stdout).toBe('hidden');
    expect(existsSync(join(place, 's'))).toBe(false);
  });
});

test('what is shared by steps at the same time cannot be turned into a link in between (CVE-2024-11218, CVE-2024-23651)', async (context) => {
  // A folder is swapped for a link again and again, as another step could that shares the cache; steps mount that folder of it.
  const [below, real] = [join(place, 'stage/below'), join(place, 'stage/real')];
  let swaps = 0;
  let over = false;
  const swap = (): void => {
    if (over) return;
    renameSync(below, real);
    symlinkSync(place, below);
    swaps += 1;
    setImmediate(() => {
      rmSync(below);
      renameSync(real, below);
      setImmediate(swap);
    });
  };
  swap();
  for (let count = 0; count < 15; count += 1) {
    const { stdout, error } = await run(context, {
      spec: shell('ls /m; cat /m/canary 2>/dev/null', { mounts: [bound('below', { readonly: true })] }),
    });
    // Either what it was, or nothing: the link leads out of the cache, where there is nothing of that name.
    expect(error?.message ?? stdout).toMatch(/^(file\n|cannot mount "\/m": its source "\/below" .*)$/);
  }
  over = true;
  await expect.poll(() => lstatSync(below).isDirectory()).toBe(true);
  expect(swaps).toBeGreaterThan(100);
});

test.each(['bind-propagation=rw,dev=/dev/sda', 'rw=true,nosuid', 'target=/a,options=exec', 'relabel=shared'])(
  'no option is passed on to the kernel: %s (CVE-2024-9407)',
  (text) => {
    const start = { line: 1, column: 1, offset: 0 };
    const flag = { text: `type=bind,${text}`, source: { file: 'f', start, end: start } };
    expect(() => parseMount(flag, (value) => value)).toThrow(/it has no option/);
  },
);

test('device nodes and set-user-ID programs in what is mounted do not work', async (context) => {
  const script = 'cat /proc/self/mountinfo | grep " /m " | grep -c nosuid,nodev';
  expect((await run(context, { spec: shell(script, { mounts: [bound('')] }) })).stdout).toBe('1\n');
});

test('a secret is on no disk, and gone with its step', async (context) => {
  const content = Buffer.from('only-in-memory-9731');
  const secret = { type: 'file', content, target: '/s', mode: 0o400, uid: 0, gid: 0, confidential: true } as const;
  const script = 'grep -q " /s .* tmpfs " /proc/self/mountinfo && echo memory; cp /s /dev/shm/copy; touch /kept';
  const { stdout, changes } = await run(context, { spec: shell(script, { mounts: [secret] }) });
  expect(stdout).toBe('memory\n');
  expect(changes.filter((path) => path !== '/')).toEqual(['/kept']);
});
