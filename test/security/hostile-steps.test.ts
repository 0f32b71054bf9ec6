import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import { OutputPipes } from '../../src/sandbox/streams/output-pipes.js';
import { requirement } from '../support/require.js';
import {
  isRoot,
  openSandbox,
  shell,
  type SandboxHarness,
  type TestOutcome,
  type TestRun,
} from '../support/sandbox-harness.js';
import { CLI, tsbuild } from '../support/tsbuild.js';

// Steps that mean harm, or do it: docs/hostile-steps.md says which report each of these is about.

let harness: SandboxHarness | string;
beforeAll(async () => {
  const as = isRoot ? 'root' : 'user with one id';
  harness = await openSandbox({ title: '', isolation: 'namespaces', rootfs: 'overlay', as });
});
afterAll(async () => {
  if (typeof harness !== 'string') await harness.close();
});

function run(context: TestContext, request: TestRun): Promise<TestOutcome> {
  if (typeof harness !== 'string') return harness.run(request);
  const { skip, reason } = requirement('sandbox', false, harness);
  if (skip) context.skip(reason);
  throw new Error(reason);
}

describe('an image that reaches for what runs it', () => {
  test('cannot write to the program of process 1, nor run it as its own (CVE-2019-5736)', async (context) => {
    const script =
      'for p in 1 self; do (: >> /proc/$p/exe) 2>/dev/null && echo wrote $p; done; /bin/evil 2>/dev/null && echo ran';
    // What it is itself is a file of its image, and busy.
    const files = [{ path: 'bin/evil', content: '#!/proc/1/exe\n' }];
    const outcome = await run(context, { spec: shell(script), files });
    expect(outcome.stdout).toBe('');
    expect(outcome.changes).toEqual([]);
  });

  test('gets no console that could lead elsewhere (CVE-2025-52565)', async (context) => {
    const files = [{ path: 'dev/console', link: '/proc/sys/kernel/core_pattern' }];
    const { stdout } = await run(context, { spec: shell('ls /dev/console 2>/dev/null; echo $?'), files });
    expect(stdout).toBe('1\n');
  });

  test("has the kernel's own /proc, whatever it ships in its place (CVE-2025-52881)", async (context) => {
    const files = [{ path: 'proc/sysrq-trigger', content: 'mine' }];
    const script = 'grep -c "^mine" /proc/sysrq-trigger; (echo h > /proc/sysrq-trigger) 2>/dev/null || echo refused';
    expect((await run(context, { spec: shell(script), files })).stdout).toMatch(/^(0\n)?refused\n$/);
  });

  test('has nothing mounted that nobody asked for (CVE-2024-9341)', async (context) => {
    const files = [
      { path: 'etc/system-fips', content: '' },
      { path: 'usr/share/crypto-policies/back-ends/FIPS', link: '/proc/sys' },
    ];
    const { stdout } = await run(context, { spec: shell('grep -c crypto /proc/self/mountinfo'), files });
    expect(stdout).toBe('0\n');
  });

  test('has no terminal to push keys into (CVE-2017-5226)', async (context) => {
    const { stdout } = await run(context, { spec: shell('(: < /dev/tty) 2>/dev/null || echo none') });
    expect(stdout).toBe('none\n');
  });
});

describe('a step that would take the machine along', () => {
  test('a fork bomb goes as far as its limit, and no process of it is left', async (context) => {
    const uid = isRoot ? 54_321 : 0;
    const limits = [{ name: 'nproc', soft: 20, hard: 20 }];
    const script = 'i=0; while [ $i -lt 60 ]; do sleep 600 & i=$((i+1)); done; echo all';
    const outcome = await run(context, { spec: shell(script, { limits, user: { uid, gid: uid, groups: [uid] } }) });
    expect(outcome.stdout).toBe('');
    expect(outcome.stderr).toContain("can't fork");
    expect(outcome).toMatchObject({ result: { outcome: 'exited', exitCode: 2 }, processes: [], mountsKept: true });
  });

  test('one that hears no signal is killed when it is cancelled', async (context) => {
    const spec = shell("trap '' TERM INT HUP QUIT; (trap '' TERM; sleep 600) & while :; do sleep 600; done");
    const outcome = await run(context, { spec, abortAfterMs: 300 });
    expect(outcome.error?.code).toBe('ABORTED');
    expect(outcome).toMatchObject({ processes: [], mountsKept: true });
  });

  test('100 MB of output wait for a slow reader, and take no memory meanwhile', async () => {
    let [received, reads] = [0, 0];
    const slow = new Writable({
      highWaterMark: 1,
      write: (chunk: Buffer, _encoding, done) => {
        received += chunk.length;
        reads += 1;
        setImmediate(done);
      },
    });
    const before = process.memoryUsage().rss;
    let most = before;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20);
    using pipes = new OutputPipes({ stdout: slow, stderr: slow });
    const child = spawn('head', ['-c', '100000000', '/dev/zero'], { stdio: ['ignore', pipes.stdout, pipes.stderr] });
    pipes.closeWriters();
    await once(child, 'exit');
    await pipes.finished;
    clearInterval(watch);
    expect(received).toBe(100_000_000);
    expect(reads).toBeGreaterThan(100);
    expect(most - before).toBeLessThan(80 << 20);
  });
});

const disks = requirement('root', isRoot && existsSync('/usr/bin/unshare'), 'a small disk is mounted, with unshare');

describe.skipIf(disks.skip)(`a step that fills the disk (${disks.reason})`, () => {
  let place: string;
  beforeAll(() => {
    place = mkdtempSync(join(tmpdir(), 'tsbuild-full-'));
    const step = 'RUN sleep 86399.5 & head -c 20000000 /dev/zero > /big && rm -f /none\n';
    writeFileSync(join(place, 'Dockerfile'), `FROM base\n${step}`);
  });
  afterAll(() => {
    rmSync(place, { recursive: true, force: true });
  });

  // The layer needs as much again as the file in it: the step fails, or what comes after it.
  test.each([
    { free: 10, exit: 4, says: /error\[RUN_FAILED\].*\n(.*\n)*hint: The disk is full/ },
    { free: 30, exit: 8, says: /error\[DISK_FULL\]: cannot .*\n(.*\n)*hint: Free some space/ },
  ])('with $free MB free ends with $exit, leaves nothing, and works when there is space', ({ free, exit, says }) => {
    const script = `
      cd "$PLACE" && mkdir -p disk && mount -t tmpfs -o size=128m none disk
      build() { "$NODE" "$CLI" --store disk/store "$@" 2>&1; }
      build bootstrap -q -t base > /dev/null || exit 1
      printf 'FROM base\\nRUN true\\n' | build -q -t unpacked - > /dev/null || exit 1
      avail=$(df -k disk | awk 'END { print $4 }')
      head -c $(( (avail - ${free} * 1000) * 1024 )) /dev/zero > disk/ballast
      cp disk/store/index.json before; cat /proc/self/mountinfo > mounts
      build -t x . > failed; echo $? >> failed
      cmp before disk/store/index.json
      cmp mounts /proc/self/mountinfo; ls -A disk/store/tmp
      rm disk/ballast
      build -q -t x . > built || cat built`;
    const env = { PATH: process.env['PATH'], HOME: place, PLACE: place, NODE: process.execPath, CLI };
    expect(execFileSync('unshare', ['-m', 'sh', '-c', script], { env, encoding: 'utf8' })).toBe('');
    const failed = readFileSync(join(place, 'failed'), 'utf8');
    expect(failed).toMatch(says);
    expect(failed.trimEnd().split('\n').at(-1)).toBe(String(exit));
    expect(processesNamed('86399.5')).toEqual([]);
  });
});

function processesNamed(word: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').includes(word);
    } catch {
      return false;
    }
  });
}

describe('a Dockerfile that means harm', () => {
  test('stays in its image, and is data (CVE-2026-55686, CVE-2022-23648, CVE-2026-53488, CVE-2026-33747)', async () => {
    const place = mkdtempSync(join(tmpdir(), 'tsbuild-hostile-'));
    const canary = join(place, 'canary');
    mkdirSync(canary);
    mkdirSync(join(place, 'context/tree'), { recursive: true });
    symlinkSync(canary, join(place, 'context/tree/w'));
    const lines = [
      '# syntax=127.0.0.1:1/evil/frontend',
      'FROM scratch',
      'COPY tree /',
      'WORKDIR /w/made',
      'VOLUME ["/../../etc", "/w/volume"]',
      `LABEL command="; touch ${canary}/label" path="$(touch ${canary}/sub)"`,
    ];
    writeFileSync(join(place, 'context/Dockerfile'), lines.join('\n'));
    try {
      const env = { TSBUILD_STORE: join(place, 'store'), HOME: place };
      const { exitCode, stderr } = await tsbuild(['-t', 'x', 'context'], { env, cwd: place });
      expect(exitCode, stderr).toBe(0);
      expect(readdirSync(canary)).toEqual([]);
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  });
});
