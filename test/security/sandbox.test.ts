import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import { requirement } from '../support/require.js';
import {
  isRoot,
  openSandbox,
  shell,
  type SandboxHarness,
  type TestFile,
  type TestOutcome,
  type TestRun,
} from '../support/sandbox-harness.js';

// Hostile images and hostile steps, each named by the report that taught the world about it. Run with the most there is to
// lose: as real root where the tests are.

let place: string;
let canary: string;
let harness: SandboxHarness | string;
beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-escape-'));
  canary = join(place, 'canary');
  writeFileSync(canary, 'untouched');
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

/** A static program for the step, made here: images have no compiler. */
function compiled(context: TestContext, name: string, source: string): TestFile {
  const [code, program] = [join(place, `${name}.c`), join(place, name)];
  writeFileSync(code, source);
  const { status, stderr, error } = spawnSync(process.env['CC'] ?? 'gcc', ['-static', '-o', program, code], {
    encoding: 'utf8',
  });
  if (error !== undefined) context.skip(`no compiler for the hostile program: ${error.message}`);
  if (status !== 0) throw new Error(stderr);
  return { path: `bin/${name}`, from: program, mode: 0o755 };
}

describe('a step cannot leave its root', () => {
  test('by chroot below an open directory', async (context) => {
    const source = `
      #include <stdio.h>
      #include <fcntl.h>
      #include <unistd.h>
      #include <sys/stat.h>
      int main(int argc, char **argv) {
        mkdir("/below", 0755);
        int root = open("/", O_RDONLY);
        if (chroot("/below") != 0) { puts("no second chroot"); return 1; }
        fchdir(root);
        for (int i = 0; i < 100; i++) chdir("..");
        chroot(".");
        puts(access(argv[1], F_OK) == 0 ? "ESCAPED" : "contained");
        return access("/bin/busybox", F_OK);
      }`;
    const files = [compiled(context, 'escape', source)];
    const { stdout, result } = await run(context, { spec: shell(`escape ${canary}`), files });
    expect(stdout).toBe('contained\n');
    expect(result).toEqual({ outcome: 'exited', exitCode: 0 });
  });

  test('through process 1, which is not its own', async (context) => {
    const script =
      'for f in root cwd exe fd/0 environ mem; do cat /proc/1/$f >/dev/null 2>&1 && echo $f; ls /proc/1/$f/ >/dev/null 2>&1 && echo $f/; done; echo done';
    expect((await run(context, { spec: shell(script) })).stdout).toBe('done\n');
  });

  test('through the program that set its sandbox up: its descriptors, its memory, its file', async (context) => {
    const script =
      'for name in mem maps environ auxv exe root cwd fd/0 fd/3 fd/4 fd/5 map_files; do { cat /proc/1/$name || readlink /proc/1/$name; } >/dev/null 2>&1 && echo $name; done; ls /proc/1/fd 2>/dev/null; kill -KILL 1; kill -STOP 1; ls /proc | grep -c "^[0-9]"; grep -c . /proc/1/status';
    const { stdout, result } = await run(context, { spec: shell(script) });
    // Only the pipe that it waits at; then the shell, ls, grep, and process 1, which no signal from inside reaches.
    expect(stdout).toMatch(/^5\n4\n\d\d+\n$/);
    expect(result).toEqual({ outcome: 'exited', exitCode: 0 });
  });

  test("by making a device of the host's disk, wherever it can write", async (context) => {
    const script = `
      for where in / /dev /dev/shm /dev/mqueue /tmp /m /t; do
        mkdir -p $where
        for numbers in /sys/dev/block/*; do
          numbers=\${numbers##*/}
          mknod $where/disk b \${numbers%%:*} \${numbers##*:} 2>/dev/null || continue
          echo made >> /made
          head -c 1 $where/disk >/dev/null 2>&1 && echo READ $where $numbers
          rm -f $where/disk
        done
      done
      grep -c made /made`;
    const mounts = [
      { type: 'tmpfs', target: '/t', readonly: false },
      { type: 'bind', source: { kind: 'directory', path: place }, path: '', target: '/m', readonly: false },
    ] as const;
    const { stdout } = await run(context, { spec: shell(script, { mounts }), files: [{ path: 'made', content: '' }] });
    expect(stdout).toMatch(isRoot ? /^[1-9]\d*\n$/ : /^0\n$/);
  });
});

describe('a step cannot change the machine', () => {
  test.for([
    '/proc/sys/kernel/core_pattern',
    '/proc/sys/kernel/hostname',
    '/proc/sysrq-trigger',
    '/proc/irq/default_smp_affinity',
    '/sys/kernel/uevent_helper',
    '/sys/power/state',
    '/sys/fs/cgroup/cgroup.procs',
    '/sys/fs/cgroup/release_agent',
  ])('by writing %s', async (path, context) => {
    const { stdout } = await run(context, { spec: shell(`(echo x > ${path}) 2>/dev/null && echo WRITTEN; echo done`) });
    expect(stdout).toBe('done\n');
  });

  test('by mounting, unmounting, or a namespace in which it might', async (context) => {
    const script = [
      'mount -t tmpfs x /bin',
      'mount -o remount,rw /proc/sys',
      'mount --bind / /proc/sys',
      'umount /proc/sys',
      'umount /proc/keys',
      'unshare -m true',
      'unshare -U true',
      'unshare -n true',
    ];
    const { stdout } = await run(context, {
      spec: shell(script.map((line) => `${line} 2>/dev/null && echo "${line}"`).join('\n') + '\necho done'),
    });
    expect(stdout).toBe('done\n');
  });

  test('by reading what the kernel keeps of others', async (context) => {
    const script =
      'for f in kcore keys timer_list interrupts latency_stats sched_debug; do [ -e /proc/$f ] && head -c 1 /proc/$f; done; ls /sys/firmware /proc/acpi /proc/scsi 2>/dev/null; echo done';
    const { stdout } = await run(context, { spec: shell(script) });
    expect(stdout.replaceAll(/^\/(sys|proc)\/\w+:\n*/gm, '').trim()).toBe('done');
  });

  test('by the system calls that Docker forbids', async (context) => {
    const files = [compiled(context, 'calls', FORBIDDEN_CALLS)];
    const { stdout } = await run(context, { spec: shell('calls'), files });
    expect(stdout.trim().split('\n')).toEqual([
      ...'unshare setns mount umount2 pivot_root bpf perf_event_open keyctl add_key request_key userfaultfd io_uring_setup open_by_handle_at reboot swapon init_module kexec_load quotactl acct settimeofday clone_newuser clone_newns socket_alg socket_vsock socket_vsock64 personality'
        .split(' ')
        .map((name) => `${name} EPERM`),
      'clone3 ENOSYS',
      'unknown ENOSYS',
      'x32_getpid ENOSYS',
      'socket_inet ok',
      'personality_query ok',
      'fork ok',
    ]);
  });
});

const FORBIDDEN_CALLS = `
  #define _GNU_SOURCE
  #include <errno.h>
  #include <sched.h>
  #include <signal.h>
  #include <stdio.h>
  #include <unistd.h>
  #include <sys/syscall.h>
  #include <sys/wait.h>
  static void call(const char *name, long result) {
    printf("%s %s\\n", name, result >= 0 ? "ok" : errno == EPERM ? "EPERM" : errno == ENOSYS ? "ENOSYS" : "other");
  }
  #define FORBIDDEN(name) call(#name, syscall(SYS_##name, 0, 0, 0, 0, 0))
  int main(void) {
    FORBIDDEN(unshare); FORBIDDEN(setns); FORBIDDEN(mount); FORBIDDEN(umount2); FORBIDDEN(pivot_root); FORBIDDEN(bpf);
    FORBIDDEN(perf_event_open); FORBIDDEN(keyctl); FORBIDDEN(add_key); FORBIDDEN(request_key); FORBIDDEN(userfaultfd);
    FORBIDDEN(io_uring_setup); FORBIDDEN(open_by_handle_at); FORBIDDEN(reboot); FORBIDDEN(swapon); FORBIDDEN(init_module);
    FORBIDDEN(kexec_load); FORBIDDEN(quotactl); FORBIDDEN(acct); FORBIDDEN(settimeofday);
    call("clone_newuser", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
    call("clone_newns", syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0));
    call("socket_alg", syscall(SYS_socket, 38, 5, 0));
    call("socket_vsock", syscall(SYS_socket, 40, 1, 0));
    call("socket_vsock64", syscall(SYS_socket, (1L << 32) | 40, 1, 0));
    call("personality", syscall(SYS_personality, 0x0400000));
    call("clone3", syscall(SYS_clone3, 0, 0));
    call("unknown", syscall(4000));
    call("x32_getpid", syscall(0x40000000 + 39));
    call("socket_inet", syscall(SYS_socket, 2, 2, 0));
    call("personality_query", syscall(SYS_personality, 0xffffffff));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) _exit(0);
    call("fork", waitpid(child, NULL, 0));
    return 0;
  }`;

describe('a hostile image gets nothing', () => {
  test.for(['dev', 'proc', 'sys'])('with a link in the place of /%s (CVE-2026-41579)', async (name, context) => {
    const files = [
      { path: 'etc/inside', content: '' },
      { path: name, link: '/etc' },
    ];
    const { error, changes } = await run(context, { spec: shell('true'), files });
    expect(error?.code).toBe('SANDBOX_FAILED');
    expect(error?.message).toBe(`cannot mount "/${name}": it is a symbolic link, or behind too many of them`);
    expect(changes).toEqual([]);
  });

  test('with a link in the place of /dev/null (CVE-2025-31133)', async (context) => {
    const files = [{ path: 'dev/null', link: '/proc/sys/kernel/core_pattern' }];
    const { stdout } = await run(context, { spec: shell('stat -c %t:%T /dev/null; cat /proc/keys | wc -c'), files });
    expect(stdout).toBe('1:3\n0\n');
  });

  test("with an /etc that leads to the kernel's files", async (context) => {
    for (const link of ['/proc/self', '/proc/sys', '/sys/kernel', '/proc/1/root/etc', '/proc/self/root/etc']) {
      const { error } = await run(context, { spec: shell('true'), files: [{ path: 'etc', link }] });
      expect(error?.code).toBe('SANDBOX_FAILED');
    }
  });

  test.for(['/etc/resolv.conf', '/etc/hosts', '/m/file'])(
    'with a %s that leads out of the root',
    async (path, context) => {
      const up = '../'.repeat(20);
      for (const link of [canary, `${up}${canary.slice(1)}`]) {
        const mounts = [
          {
            type: 'bind',
            source: { kind: 'directory', path: '/etc' },
            path: 'hostname',
            target: '/m/file',
            readonly: true,
          },
        ] as const;
        const files = [{ path: path.slice(1), link }];
        const { result, changes } = await run(context, { spec: shell('echo x > ' + path, { mounts }), files });
        expect(result).toEqual({ outcome: 'exited', exitCode: 1 });
        expect(changes.filter((changed) => changed.includes('canary'))).toEqual([]);
        expect(readFileSync(canary, 'utf8')).toBe('untouched');
      }
    },
  );

  test('with links that never end', async (context) => {
    const files = [
      { path: 'etc/resolv.conf', link: 'a' },
      { path: 'etc/a', link: 'resolv.conf' },
    ];
    const { error } = await run(context, { spec: shell('true'), files });
    expect(error?.message).toBe('cannot mount "/etc/resolv.conf": it is a symbolic link, or behind too many of them');
  });

  test('by a working directory among our descriptors (CVE-2024-21626)', async (context) => {
    for (let descriptor = 3; descriptor < 40; descriptor += 1) {
      for (const cwd of [`/proc/self/fd/${descriptor}`, '/link']) {
        const files = [{ path: 'link', link: `/proc/self/fd/${descriptor}` }];
        const { error, stdout } = await run(context, { spec: shell('cat ../../../../etc/hostname', { cwd }), files });
        expect(error).toMatchObject({ code: 'SANDBOX_FAILED', message: expect.stringContaining(cwd) });
        expect(stdout).toBe('');
        if (descriptor > 5 && cwd === '/link') break;
      }
    }
  });
});

describe('what a step does to its mount points', () => {
  test('a link in the place of their directory leads the cleaner nowhere (CVE-2024-23652)', async (context) => {
    const inside = join(place, 'victim');
    mkdirSync(join(inside, 'file'), { recursive: true });
    writeFileSync(join(inside, 'hosts'), '');
    const mounts = [{ type: 'tmpfs', target: '/a/file', readonly: false }] as const;
    const script = `mv /a /b && ln -s ${inside} /a && mv /etc /etc2 && ln -s ${inside} /etc`;
    const { result, changes } = await run(context, { spec: shell(script, { mounts }) });
    expect(result).toEqual({ outcome: 'exited', exitCode: 0 });
    expect(existsSync(join(inside, 'file')) && existsSync(join(inside, 'hosts'))).toBe(true);
    expect(changes).toContain('/a');
    expect(changes).not.toContain('/b/file');
  });

  test('a set-user-ID program works, but no more than the step may itself', async (context) => {
    const source = `
      #include <stdio.h>
      #include <unistd.h>
      int main(void) { printf("%d\\n", geteuid()); return 0; }`;
    const file = { ...compiled(context, 'effective', source), mode: 0o4755 };
    if (!isRoot) context.skip('a namespace with one id has no other user');
    const user = { uid: 1000, gid: 1000, groups: [] };
    expect((await run(context, { spec: shell('effective', { user }), files: [file] })).stdout).toBe('0\n');
  });
});
