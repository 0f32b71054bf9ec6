import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import type { Rootfs } from '../../src/sandbox/run-spec.js';
import { requirement } from '../support/require.js';
import { lacks, SCRIPT, SHORTCOMINGS } from './sandbox-shortcomings.js';
import { openSandbox, shell, type SandboxHarness, type SandboxKind, type TestRun } from '../support/sandbox-harness.js';

/** What every `Sandbox` does, what only those made of namespaces can, and what each of them cannot (`SHORTCOMINGS`). */
export function sandboxSuite(kind: SandboxKind): void {
  describe(`sandbox: ${kind.title}`, () => {
    const opened = open(kind);
    if (kind.sample === true) {
      boundaryTests(opened, kind);
      return;
    }
    processTests(opened);
    outputTests(opened);
    surroundingsTests(opened);
    userTests(opened, kind);
    leftoverTests(opened, kind);
    shortcomingTests(opened, kind);
    if (kind.isolation !== 'chroot') namespaceTests(opened, kind);
    else chrootTests(opened);
  });
}

const folder = (path: string): Rootfs => ({ kind: 'directory', path });

interface Opened {
  readonly run: (context: TestContext, run: TestRun) => ReturnType<SandboxHarness['run']>;
  readonly notice: (context: TestContext) => string | null;
}

function open(kind: SandboxKind): Opened {
  let harness: SandboxHarness | string;
  beforeAll(async () => {
    harness = await openSandbox(kind);
  });
  afterAll(async () => {
    if (typeof harness !== 'string') await harness.close();
  });
  const available = (context: TestContext): SandboxHarness => {
    if (typeof harness !== 'string') return harness;
    const { skip, reason } = requirement(kind.rootfs === 'images' ? 'erofs' : 'sandbox', false, harness);
    if (skip) context.skip(reason);
    throw new Error(reason);
  };
  return {
    run: (context, run) => available(context).run(run),
    notice: (context) => available(context).notice,
  };
}

function processTests({ run }: Opened): void {
  test('reports the exit code', async (context) => {
    expect((await run(context, { spec: shell('exit 3') })).result).toEqual({ outcome: 'exited', exitCode: 3 });
  });

  test('reports the signal that ended the program', async (context) => {
    const { result } = await run(context, { spec: shell('kill -TERM $$') });
    expect(result).toEqual({ outcome: 'killed', signal: 'SIGTERM' });
  });

  test('finds a program through the PATH of its environment, and keeps its name', async (context) => {
    const { stdout } = await run(context, { spec: shell('', { argv: ['sh', '-c', 'echo $0'] }) });
    expect(stdout).toBe('sh\n');
  });

  test.for([
    [['no-such'], 127, 'exec: "no-such": executable file not found in $PATH\n'],
    [['/no/such'], 127, 'exec: "/no/such": no such file or directory\n'],
    [['/bin'], 126, 'exec: "/bin": is a directory\n'],
    [['/data'], 126, 'exec: "/data": permission denied\n'],
    [['/plain'], 126, 'exec: "/plain": exec format error\n'],
    [['/orphan'], 127, 'exec: "/orphan": its interpreter does not exist\n'],
    [['/bin/true', 'x'.repeat(200_000)], 126, 'exec: "/bin/true": argument list too long\n'],
  ] as const)('says what a shell says when it cannot run %j', async ([argv, exitCode, line], context) => {
    const files = [
      { path: 'data', content: 'x', mode: 0o644 },
      { path: 'plain', content: 'echo no interpreter' },
      { path: 'orphan', content: '#!/no/interpreter\n' },
    ];
    const spec = shell('', { argv: argv as unknown as [string, ...string[]] });
    const { result, stderr } = await run(context, { spec, files });
    expect({ result, stderr }).toEqual({ result: { outcome: 'exited', exitCode }, stderr: line });
  });

  test('cancelling kills the whole tree within a second, a daemon too', async (context) => {
    const spec = shell('(setsid sleep 600 &) ; setsid sh -c "sleep 600 & sleep 600" & sleep 600');
    const outcome = await run(context, { spec, abortAfterMs: 500 });
    expect(outcome.error?.code).toBe('ABORTED');
    expect(outcome.milliseconds).toBeLessThan(3000);
    expect(outcome).toMatchObject({ processes: [], mountsKept: true });
  });

  test('nothing starts when it is cancelled at once', async (context) => {
    const { error, changes } = await run(context, { spec: shell('touch /x'), abortAfterMs: 0 });
    expect(error?.code).toBe('ABORTED');
    expect(changes).toEqual([]);
  });

  test('daemons end with the program that started them, and do not hold it up', async (context) => {
    const outcome = await run(context, { spec: shell('setsid sleep 600 & sleep 600 & exit 0') });
    expect(outcome.result).toEqual({ outcome: 'exited', exitCode: 0 });
    expect(outcome.processes).toEqual([]);
    expect(outcome.milliseconds).toBeLessThan(10_000);
  });

  test('orphans that end are reaped, so that waiting for a service to stop ends', async (context) => {
    const script =
      '(setsid sleep 0.1 & echo $! > /pid); n=0; while kill -0 $(cat /pid) 2>/dev/null; do n=$((n+1)); [ $n -gt 50 ] && exit 1; sleep 0.1; done';
    expect((await run(context, { spec: shell(script) })).result).toEqual({ outcome: 'exited', exitCode: 0 });
  });
}

function outputTests({ run }: Opened): void {
  test('keeps both outputs apart', async (context) => {
    const { stdout, stderr } = await run(context, { spec: shell('echo out; echo err >&2') });
    expect({ stdout, stderr }).toEqual({ stdout: 'out\n', stderr: 'err\n' });
  });

  test('keeps the order of both outputs when they go to one place', async (context) => {
    const spec = shell('for i in 1 2 3; do echo o$i; echo e$i >&2; done');
    expect((await run(context, { spec, together: true })).both).toBe('o1\ne1\no2\ne2\no3\ne3\n');
  });

  test('loses nothing of much output', async (context) => {
    const { stdout } = await run(context, { spec: shell('seq 1 200000') });
    expect(stdout.length).toBe(1_288_895);
    expect(stdout.endsWith('\n200000\n')).toBe(true);
  });

  test('pitfall 53: gives an empty input', async (context) => {
    expect((await run(context, { spec: shell('cat; echo $?') })).stdout).toBe('0\n');
  });
}

function surroundingsTests({ run }: Opened): void {
  test('pitfall 42: passes the environment exactly, and nothing of its own (CVE-2021-3602)', async (context) => {
    const env = { PATH: '/bin', A: '1', EMPTY: '', 'WITH SPACE': 'é\nb' };
    const { stdout } = await run(context, { spec: shell('', { argv: ['env'], env }) });
    expect(
      stdout
        .trimEnd()
        .split(/\n(?=[A-Z])/)
        .sort(),
    ).toEqual(['A=1', 'EMPTY=', 'PATH=/bin', 'WITH SPACE=é\nb'].sort());
  });

  test('starts in the working directory', async (context) => {
    expect((await run(context, { spec: shell('pwd', { cwd: '/bin' }) })).stdout).toBe('/bin\n');
  });

  test('refuses a working directory that is not there', async (context) => {
    const { error } = await run(context, { spec: shell('pwd', { cwd: '/no/where' }) });
    expect(error).toMatchObject({ code: 'SANDBOX_FAILED', message: expect.stringContaining('"/no/where"') });
  });

  test('pitfall 53: has the umask 022', async (context) => {
    expect((await run(context, { spec: shell('umask; touch /f; stat -c %a /f') })).stdout).toBe('0022\n644\n');
  });

  test('has the limits that it is told, and none above its own', async (context) => {
    const limits = [
      { name: 'nofile', soft: 77, hard: 99 },
      { name: 'core', soft: 0, hard: 0 },
    ];
    const { stdout } = await run(context, { spec: shell('ulimit -n; ulimit -Hn; ulimit -c; echo $0', { limits }) });
    expect(stdout).toBe('77\n99\n0\n/bin/sh\n');
    const many = [{ name: 'nofile', soft: 1, hard: 2 ** 40 }];
    const { error } = await run(context, { spec: shell('true', { limits: many }) });
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining('1099511627776 is above the') });
  });

  test('has no descriptors but three', async (context) => {
    const script =
      'for fd in 3 4 5 6 7 8 9; do (: <&$fd) 2>/dev/null && echo $fd; done; (: <&2) && (: <&1) && echo three';
    expect((await run(context, { spec: shell(script) })).stdout).toBe('three\n');
  });

  test("has Docker's devices", async (context) => {
    const script = `cd /dev; stat -c '%n %t:%T %a' null zero full random urandom tty; head -c 3 /dev/zero | wc -c; echo x > /dev/null; (echo x > /dev/full) 2>/dev/null || echo full`;
    const { stdout } = await run(context, { spec: shell(script) });
    expect(stdout).toBe(
      'null 1:3 666\nzero 1:5 666\nfull 1:7 666\nrandom 1:8 666\nurandom 1:9 666\ntty 5:0 666\n3\nfull\n',
    );
  });

  test('knows the hosts that it is told', async (context) => {
    const hosts = [{ name: 'registry.test', address: '192.0.2.7' }];
    const { stdout } = await run(context, { spec: shell('grep registry /etc/hosts', { hosts }) });
    expect(stdout).toBe('192.0.2.7\tregistry.test\n');
  });

  test('resolves localhost and what the host resolves', async (context) => {
    const { stdout } = await run(context, { spec: shell('grep -c localhost /etc/hosts; cat /etc/resolv.conf') });
    expect(stdout).toBe(`2\n${readFileSync('/etc/resolv.conf', 'utf8')}`);
  });

  test("has no inheritable or ambient capabilities, and Docker's as bounds (CVE-2022-27651)", async (context) => {
    const { stdout } = await run(context, { spec: shell('grep -E "Cap(Inh|Amb)" /proc/self/status || echo no proc') });
    expect(stdout).toMatch(/^(CapInh:\t0{16}\nCapAmb:\t0{16}\n|no proc\n)$/);
  });
}

function userTests({ run }: Opened, kind: SandboxKind): void {
  test('runs as the user and the groups that it is told', async (context) => {
    const user = { uid: 1000, gid: 1001, groups: [1001, 44] };
    const { stdout, error } = await run(context, { spec: shell('id -u; id -g; id -G; touch /x', { user }) });
    if (kind.as === 'user with one id') {
      expect(error?.message).toBe('cannot run as user 1000:1001: there is no such id in this user namespace');
      expect(error?.hint).toContain('/etc/subuid');
    } else expect(stdout).toBe('1000\n1001\n1001 44\n');
  });
}

function leftoverTests({ run }: Opened, kind: SandboxKind): void {
  test('leaves no trace of itself on an image without any directories', async (context) => {
    const outcome = await run(context, { spec: shell('true') });
    expect(outcome).toMatchObject({ changes: [], processes: [], mountsKept: true });
  });

  test('keeps what the step makes in directories that were only there to mount on', async (context) => {
    const { changes } = await run(context, { spec: shell('mkdir -p /etc/x && echo 1 > /etc/x/y') });
    expect(changes.filter((path) => path.startsWith('/etc'))).toEqual(['/etc', '/etc/x', '/etc/x/y']);
  });

  test.for(['../run/systemd/resolve/stub-resolv.conf', '/run/resolv.conf'])(
    'an /etc/resolv.conf that is a link to %s works and stays',
    async (link, context) => {
      const files = [{ path: 'etc/resolv.conf', link }];
      const { stdout, changes } = await run(context, {
        spec: shell('cat /etc/resolv.conf; readlink /etc/resolv.conf'),
        files,
      });
      expect(stdout).toBe(`${readFileSync('/etc/resolv.conf', 'utf8')}${link}\n`);
      // An overlay copies the directory up; its attributes are those it had.
      expect(changes.filter((path) => kind.rootfs === 'directory' || !['/', '/etc'].includes(path))).toEqual([]);
    },
  );

  test('pitfall 44: an /etc/resolv.conf of the image is not changed', async (context) => {
    const files = [{ path: 'etc/resolv.conf', content: 'nameserver 192.0.2.1\n' }];
    const { stdout, changes } = await run(context, { spec: shell('cat /etc/resolv.conf'), files });
    expect(stdout).toBe(readFileSync('/etc/resolv.conf', 'utf8'));
    expect(changes).not.toContain('/etc/resolv.conf');
    if (kind.rootfs === 'directory') expect(changes).toEqual([]);
  });
}

/** What cannot be done is refused, or seen for what it is. */
function shortcomingTests({ run, notice }: Opened, { isolation }: SandboxKind): void {
  const shortcomings = SHORTCOMINGS[isolation];
  test('says what it does not do, if there is anything', (context) => {
    const words = {
      namespaces: null,
      oci: null,
      bwrap: 'sudo',
      chroot: 'share the processes, the network and the host name',
    };
    const wanted = words[isolation];
    if (wanted === null) expect(notice(context)).toBeNull();
    else expect(notice(context)).toContain(wanted);
  });

  if (shortcomings.length === 0) return;
  test.for(shortcomings)('falls short of $feature: $reason', async ({ spec, refusal, output }, context) => {
    const { error, stdout } = await run(context, { spec });
    expect(stdout).toMatch(output ?? /^$/);
    if (refusal === undefined) expect(error).toBeUndefined();
    else expect(error).toMatchObject({ code: 'SANDBOX_FAILED', message: expect.stringMatching(refusal) });
  });
}

function chrootTests({ run }: Opened): void {
  test('runs a script that is put in for the step, and takes it away', async (context) => {
    const spec = shell('', { argv: ['/pipes/script'], mounts: [SCRIPT] });
    const { stdout, changes } = await run(context, { spec });
    expect(stdout).toBe('ran\n');
    expect(changes).toEqual([]);
  });

  test('allows no second chroot', async (context) => {
    expect((await run(context, { spec: shell('chroot / /bin/true') })).result).toEqual({
      outcome: 'exited',
      exitCode: 1,
    });
  });
}

function namespaceTests(opened: Opened, kind: SandboxKind): void {
  boundaryTests(opened, kind);
  mountTests(opened, kind);
}

/** What keeps a step apart from the machine. */
function boundaryTests(opened: Opened, kind: SandboxKind): void {
  const { run } = opened;
  test("has Docker's capabilities and a seccomp filter", async (context) => {
    const { stdout } = await run(context, { spec: shell('grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status') });
    const set = '00000000a80425fb';
    expect(stdout).toBe(
      `CapInh:\t${'0'.repeat(16)}\nCapPrm:\t${set}\nCapEff:\t${set}\nCapBnd:\t${set}\nCapAmb:\t${'0'.repeat(16)}\nNoNewPrivs:\t${lacks(kind, 'rights') ? 1 : 0}\nSeccomp:\t2\n`,
    );
  });

  test('sees its own processes only', async (context) => {
    const { stdout } = await run(context, {
      spec: shell('set -- /proc/[0-9]*; echo $#; [ $$ -gt 1 ] && echo not the first'),
    });
    expect(stdout).toBe('2\nnot the first\n');
  });

  test('has a host name of its own', async (context) => {
    const { stdout } = await run(context, { spec: shell('hostname; grep -c step /etc/hosts', { hostname: 'step' }) });
    expect(stdout).toBe('step\n1\n');
    expect(hostname()).not.toBe('step');
  });

  test('without a network there is a loopback device and no route', async (context) => {
    const script =
      'ls /sys/class/net; cat /proc/net/route | wc -l; ip addr show lo | grep -c "inet 127.0.0.1/8"; cat /etc/resolv.conf';
    const { stdout } = await run(context, { spec: shell(script, { network: 'none' }) });
    expect(stdout).toBe('lo\n1\n1\n');
  });

  test("with the host's network its devices are there", async (context) => {
    const { stdout } = await run(context, { spec: shell('cat /proc/net/dev') });
    const names = (text: string): string[] => [...text.matchAll(/^\s*(\S+):/gm)].map((match) => match[1] ?? '').sort();
    expect(names(stdout)).toEqual(names(readFileSync('/proc/net/dev', 'utf8')));
  });

  test('has no terminals but its own', async (context) => {
    const { stdout } = await run(context, {
      spec: shell('ls /dev/pts; readlink /dev/ptmx; stat -f -c %T /dev/shm; (: < /dev/tty) 2>/dev/null || echo none'),
    });
    expect(stdout).toBe('ptmx\npts/ptmx\ntmpfs\nnone\n');
  });

  if (!lacks(kind, 'walls')) wallTests(opened);
}

function wallTests({ run }: Opened): void {
  test('without walls it has all rights that there are, and a whole /proc and /sys', async (context) => {
    const script =
      'grep -E "^(CapPrm|CapInh|Seccomp:)" /proc/self/status; grep -c " /proc/" /proc/self/mountinfo; mkdir /m && mount -t tmpfs x /m && echo mounted; umount /m; rmdir /m';
    const { stdout, changes } = await run(context, { spec: shell(script, { privileged: true }) });
    const [inherited, permitted, filter, covers, mounted] = stdout.split('\n');
    expect([inherited, filter, covers, mounted]).toEqual([`CapInh:\t${'0'.repeat(16)}`, 'Seccomp:\t0', '0', 'mounted']);
    expect(BigInt(`0x${permitted?.split('\t')[1] ?? ''}`) & (1n << 21n)).not.toBe(0n);
    expect(changes.filter((path) => path !== '/')).toEqual([]);
  });
}

function mountTests({ run }: Opened, kind: SandboxKind): void {
  let source: string;
  beforeAll(() => {
    source = mkdtempSync(join(tmpdir(), 'tsbuild-bind-'));
    writeFileSync(join(source, 'file'), 'from outside');
    mkdirSync(join(source, 'd'));
    // For whoever the sandbox belongs to.
    chmodSync(source, 0o755);
    chmodSync(join(source, 'd'), 0o777);
  });
  afterAll(() => rmSync(source, { recursive: true }));

  test('pitfall 45: binds files and directories, read-only and not, and leaves their mount points to nobody', async (context) => {
    const mounts = [
      { type: 'bind', source: folder(source), path: '', target: '/a/b', readonly: true },
      { type: 'bind', source: folder(source), path: 'd', target: '/w', readonly: false },
      { type: 'bind', source: folder(source), path: '/file', target: '/one/file', readonly: true },
    ] as const;
    const script =
      'cat /a/b/file /one/file; (echo x > /a/b/file) 2>&1; echo new > /w/made; grep -E " /(a/b|w|one/file) " /proc/self/mountinfo | grep -vc nosuid,nodev';
    const { stdout, changes } = await run(context, { spec: shell(script, { mounts }) });
    expect(stdout).toContain('from outsidefrom outside');
    expect(stdout).toContain('Read-only file system');
    expect(stdout.endsWith('\n0\n')).toBe(true);
    expect(readFileSync(join(source, 'd/made'), 'utf8')).toBe('new\n');
    rmSync(join(source, 'd/made'));
    expect(changes).toEqual([]);
  });

  test('mounts memory of the size that is asked for', async (context) => {
    const mounts = [{ type: 'tmpfs', target: '/t/u', sizeBytes: 1 << 20, readonly: false }] as const;
    const script = 'stat -f -c %T /t/u; dd if=/dev/zero of=/t/u/x bs=1024 count=2048 2>/dev/null; wc -c < /t/u/x';
    const { stdout, changes } = await run(context, { spec: shell(script, { mounts }) });
    expect(stdout).toBe(`tmpfs\n${1 << 20}\n`);
    expect(changes).toEqual([]);
  });

  test.for([
    ['a folder that is a symbolic link', '/proc/self/cwd', '', 'cannot be opened (ENOTDIR)'],
    ['a folder that is missing', '/none', '', 'cannot be opened (ENOENT)'],
    ['a path that is missing', '/etc', 'none', 'its source "/none" does not exist'],
  ] as const)('refuses %s as a source', async ([, path, below, words], context) => {
    const mounts = [{ type: 'bind', source: folder(path), path: below, target: '/x', readonly: true }] as const;
    const { error } = await run(context, { spec: shell('true', { mounts }), files: [{ path: 'x', content: '' }] });
    expect(error).toMatchObject({ code: 'SANDBOX_FAILED', message: expect.stringContaining(words) });
  });

  test.for([
    ['/', 'it is the root'],
    ['/up', 'it is the root'],
    ['/proc/fs', 'it lies in /proc or /sys'],
    ['/sys/kernel', 'it lies in /proc or /sys'],
    ['/file', 'it is not a directory'],
  ] as const)('refuses to mount on %s', async ([target, words], context) => {
    const files = [
      { path: 'up', link: 'bin/../..' },
      { path: 'file', content: '' },
    ];
    const { error } = await run(context, {
      spec: shell('true', { mounts: [{ type: 'tmpfs', target, readonly: false }] }),
      files,
    });
    expect(error).toMatchObject({ code: 'SANDBOX_FAILED', message: `cannot mount "${target}": ${words}` });
  });

  test('mounts below what it mounted before, but makes nothing in what is read-only', async (context) => {
    const outer = { type: 'bind', source: folder(source), path: '', target: '/a', readonly: true } as const;
    const mounts = [
      outer,
      { type: 'tmpfs', target: '/a/d', readonly: false },
      { type: 'tmpfs', target: '/a/d/e', readonly: false },
    ] as const;
    const { stdout } = await run(context, { spec: shell('stat -f -c %T /a/d /a/d/e; ls /a/d', { mounts }) });
    expect(stdout).toBe('tmpfs\ntmpfs\ne\n');
    const impossible = [outer, { type: 'tmpfs', target: '/a/none', readonly: false }] as const;
    const { error } = await run(context, { spec: shell('true', { mounts: impossible }) });
    expect(error?.message).toContain('cannot mount "/a/none": it does not exist, and cannot be made');
  });

  test('a file from memory has the mode and content that are asked for, cannot be changed, and leaves nothing', async (context) => {
    const file = { type: 'file', uid: 0, gid: 0, confidential: true } as const;
    const mounts = [
      { ...file, content: Buffer.from('secret'), target: '/run/secrets/x', mode: 0o400 },
      { ...file, content: Buffer.from('#!/bin/sh\necho ran\n'), target: '/pipes/script', mode: 0o755 },
    ] as const;
    const script =
      'stat -c "%a %u:%g" /run/secrets/x; cat /run/secrets/x; echo; /pipes/script; (echo y > /run/secrets/x) 2>&1; grep -c " /run/secrets/x .*tmpfs" /proc/self/mountinfo';
    const { stdout, changes } = await run(context, { spec: shell(script, { mounts }) });
    expect(stdout).toMatch(/^400 0:0\nsecret\nran\n.*Read-only file system\n1\n$/);
    expect(changes).toEqual([]);
  });

  test('a file from memory belongs to whom it is told, where that id exists', async (context) => {
    const file = { type: 'file', content: Buffer.from('x'), target: '/x', mode: 0o440, uid: 1000, gid: 44 } as const;
    const { stdout, error } = await run(context, {
      spec: shell('stat -c "%a %u:%g" /x', { mounts: [{ ...file, confidential: false }] }),
    });
    if (kind.as === 'user with one id') expect(error?.message).toContain('it cannot belong to 1000:44');
    else expect(stdout).toBe('440 1000:44\n');
  });

  test('a device of the host works where it is mounted', async (context) => {
    const device = {
      type: 'device',
      source: '/dev/zero',
      target: '/dev/mine/zero',
      mode: 0o600,
      uid: 0,
      gid: 0,
    } as const;
    const script = 'head -c 3 /dev/mine/zero | wc -c; stat -c %t:%T /dev/mine/zero';
    const { stdout, changes } = await run(context, { spec: shell(script, { mounts: [device] }) });
    expect(stdout).toBe('3\n1:5\n');
    expect(changes).toEqual([]);
    const { error } = await run(context, { spec: shell('true', { mounts: [{ ...device, source: '/bin' }] }) });
    expect(error?.message).toBe('cannot mount "/dev/mine/zero": "/bin" is no device');
  });

  if (kind.rootfs === 'directory') return;
  test('writes into the upper directory only', async (context) => {
    const { changes } = await run(context, { spec: shell('echo 1 > /new; rm /bin/awk') });
    expect(changes).toEqual(expect.arrayContaining(['/new', '/bin', '/bin/awk']));
  });
}
