import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cgroupFacts } from '../../../src/machine/cgroup-facts.js';
import { emulatorFacts, kernelFacts } from '../../../src/machine/kernel-facts.js';
import { proxyFacts } from '../../../src/machine/proxy-facts.js';
import { openTrialPlace, storeFacts } from '../../../src/machine/store-facts.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-machine-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function lay(files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

describe('cgroups', () => {
  test('of version 2: the controllers of the own group, where it may be written to', () => {
    lay({
      'proc/self/cgroup': '0::/user.slice/mine\n',
      'sys/fs/cgroup/cgroup.controllers': 'cpu memory pids io',
      'sys/fs/cgroup/user.slice/mine/cgroup.controllers': 'memory pids\n',
    });
    expect(cgroupFacts(root)).toEqual({ version: 'v2', delegated: ['memory', 'pids'] });
  });

  test('of version 2, not delegated', () => {
    lay({ 'proc/self/cgroup': '0::/gone\n', 'sys/fs/cgroup/cgroup.controllers': 'cpu' });
    expect(cgroupFacts(root)).toEqual({ version: 'v2', delegated: [] });
  });

  test.each([
    ['v1', {}],
    ['hybrid', { 'sys/fs/cgroup/unified/cgroup.procs': '' }],
  ] as const)('of version 1, %s: the controllers whose own group may be written to', (version, more) => {
    lay({
      'proc/self/cgroup': '5:cpu,cpuacct:/a\n4:memory:/b\n3:pids:/none\n1:name=systemd:/a\n0::/\n',
      'sys/fs/cgroup/cpu/a/tasks': '',
      'sys/fs/cgroup/memory/b/tasks': '',
      'sys/fs/cgroup/systemd/a/tasks': '',
      ...more,
    });
    expect(cgroupFacts(root)).toEqual({ version, delegated: ['cpu', 'memory'] });
  });

  test('none', () => {
    expect(cgroupFacts(root)).toEqual({ version: 'none', delegated: [] });
  });
});

describe('the kernel', () => {
  test('with filters, AppArmor and a setting that forbids', () => {
    lay({
      'proc/sys/kernel/seccomp/actions_avail': 'kill_process trap errno allow\n',
      'proc/self/status': 'Name:\tx\nSeccomp:\t2\nSeccomp_filters:\t1\n',
      'sys/module/apparmor/parameters/enabled': 'Y\n',
      'dev/net/tun': '',
      'proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1\n',
    });
    expect(kernelFacts(root)).toEqual({
      seccompFilters: true,
      filtered: true,
      apparmor: true,
      tunDevice: true,
      settings: {
        'user.max_user_namespaces': null,
        'kernel.unprivileged_userns_clone': null,
        'kernel.apparmor_restrict_unprivileged_userns': '1',
      },
    });
  });

  test('of which nothing is known', () => {
    expect(kernelFacts(root)).toMatchObject({ seccompFilters: false, filtered: false, apparmor: false });
    expect(emulatorFacts(root)).toEqual({ mounted: false, enabled: [] });
  });

  test('emulators that are switched on', () => {
    const folder = 'proc/sys/fs/binfmt_misc';
    lay({
      [`${folder}/register`]: '',
      [`${folder}/status`]: 'enabled\n',
      [`${folder}/qemu-s390x`]: 'disabled\n',
      [`${folder}/qemu-aarch64`]: 'enabled\ninterpreter /usr/bin/qemu-aarch64-static\n',
    });
    expect(emulatorFacts(root)).toEqual({ mounted: true, enabled: ['qemu-aarch64'] });
  });
});

test.each([
  ['http://proxy:3128', 'http://proxy:3128'],
  ['http://me:se@cret@proxy:3128/', 'http://***@proxy:3128/'],
  ['me:secret@proxy', '***@proxy'],
  ['localhost,.corp,10.0.0.0/8', 'localhost,.corp,10.0.0.0/8'],
])('of the proxy %s one sees %s', (value, seen) => {
  expect(proxyFacts({ HTTPS_PROXY: value, no_proxy: '', OTHER: 'x' })).toEqual({ HTTPS_PROXY: seen });
});

describe('the place of a store', () => {
  test('that does not exist is tried in the folder above, and nothing is left', () => {
    const store = join(root, 'a/b/store');
    {
      using place = openTrialPlace(store, tmpdir());
      expect(dirname(place.path)).toBe(root);
      expect(storeFacts(store, place)).toMatchObject({ root: store, exists: false, lacks: [] });
    }
    expect(readdirSync(root)).toEqual([]);
  });

  test('that may not be written to', () => {
    mkdirSync(join(root, 'fallback'));
    const store = join(root, 'closed/store');
    mkdirSync(join(root, 'closed'));
    chmodSync(join(root, 'closed'), 0o500);
    using place = openTrialPlace('/proc/none', join(root, 'fallback'));
    expect(place).toMatchObject({ inStore: false });
    expect(storeFacts(store, place).lacks).toEqual(['this user may not write there']);
  });
});
