import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cgroupHierarchies, type CgroupHierarchy } from '../../../../src/sandbox/resources/cgroup-tree.js';
import { controllerSettings } from '../../../../src/sandbox/resources/controller-settings.js';
import { makeCgroups } from '../../../../src/sandbox/resources/make-cgroups.js';
import type { Allowance } from '../../../../src/sandbox/run-spec.js';

describe('cgroupHierarchies()', () => {
  const V2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate';
  test('version 2: this process is where /proc/self/cgroup says', () => {
    const membership = '0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope\n';
    expect(cgroupHierarchies({ mounts: `${V2}\n`, membership })).toEqual([
      {
        version: 2,
        controllers: [],
        mountPoint: '/sys/fs/cgroup',
        directory: '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope',
      },
    ]);
  });

  test('version 1 and hybrids: each hierarchy with its controllers, names that are no controller left alone', () => {
    const mounts = [
      '31 30 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755',
      '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
      '33 31 0:30 / /sys/fs/cgroup/a\\040b rw - cgroup cgroup rw,memory',
      '34 31 0:31 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
      '35 31 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
    ].join('\n');
    const membership = '3:cpu,cpuacct:/\n2:memory:/s/j\n1:name=systemd:/s\n0::/s\n';
    const found = cgroupHierarchies({ mounts, membership });
    expect(found.map(({ controllers, directory }) => [controllers.join(), directory])).toEqual([
      ['cpu,cpuacct', '/sys/fs/cgroup/cpu,cpuacct'],
      ['memory', '/sys/fs/cgroup/a b/s/j'],
      ['name=systemd', '/sys/fs/cgroup/systemd/s'],
      ['', '/sys/fs/cgroup/unified/s'],
    ]);
  });

  test.each([
    ['its part of the tree only', '/docker/abc', '0::/docker/abc/sub\n', '/cg/sub'],
    ['only itself', '/docker/abc', '0::/docker/abc\n', '/cg'],
    ['something else than it is told of', '/docker/abc', '0::/elsewhere\n', '/cg'],
  ])('a container that sees %s', (_, root, membership, directory) => {
    const mounts = `30 23 0:26 ${root} /cg rw - cgroup2 cgroup2 rw`;
    expect(cgroupHierarchies({ mounts, membership })[0]?.directory).toBe(directory);
  });

  test('there may be none', () => {
    expect(cgroupHierarchies({ mounts: '', membership: '' })).toEqual([]);
  });
});

describe('controllerSettings()', () => {
  const written = (allowance: Allowance, version: 1 | 2): Record<string, string> =>
    Object.fromEntries(
      controllerSettings(allowance).flatMap(({ files }) => files[version].map(({ name, value }) => [name, value])),
    );

  test.each<[string, Allowance, Record<string, string>, Record<string, string>]>([
    [
      'memory, with as much swap again',
      { memoryBytes: 1000 },
      { 'memory.limit_in_bytes': '1000', 'memory.memsw.limit_in_bytes': '2000' },
      { 'memory.max': '1000', 'memory.swap.max': '1000' },
    ],
    [
      'memory without swap',
      { memoryBytes: 1000, memorySwapBytes: 1000 },
      { 'memory.limit_in_bytes': '1000', 'memory.memsw.limit_in_bytes': '1000' },
      { 'memory.max': '1000', 'memory.swap.max': '0' },
    ],
    [
      'memory with any swap',
      { memoryBytes: 1000, memorySwapBytes: Infinity },
      { 'memory.limit_in_bytes': '1000', 'memory.memsw.limit_in_bytes': '-1' },
      { 'memory.max': '1000', 'memory.swap.max': 'max' },
    ],
    [
      'a part of the processors',
      { cpuQuotaMicroseconds: 150_000, cpuPeriodMicroseconds: 100_000 },
      { 'cpu.cfs_period_us': '100000', 'cpu.cfs_quota_us': '150000' },
      { 'cpu.max': '150000 100000' },
    ],
    ['a quota only', { cpuQuotaMicroseconds: 5000 }, { 'cpu.cfs_quota_us': '5000' }, { 'cpu.max': '5000 100000' }],
    ['a period only', { cpuPeriodMicroseconds: 5000 }, { 'cpu.cfs_period_us': '5000' }, { 'cpu.max': 'max 5000' }],
    ['the least weight', { cpuShares: 2 }, { 'cpu.shares': '2' }, { 'cpu.weight': '1' }],
    ['the usual weight', { cpuShares: 1024 }, { 'cpu.shares': '1024' }, { 'cpu.weight': '39' }],
    ['the largest weight', { cpuShares: 262_144 }, { 'cpu.shares': '262144' }, { 'cpu.weight': '10000' }],
    [
      'certain processors and nodes',
      { processors: '0-1', memoryNodes: '0' },
      { 'cpuset.cpus': '0-1', 'cpuset.mems': '0' },
      { 'cpuset.cpus': '0-1', 'cpuset.mems': '0' },
    ],
    ['nothing', {}, {}, {}],
  ])('%s', (_, allowance, first, second) => {
    expect([written(allowance, 1), written(allowance, 2)]).toEqual([first, second]);
  });
});

describe('makeCgroups()', () => {
  let place: string;
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), 'tsbuild-cgroups-'));
  });
  afterEach(() => rmSync(place, { recursive: true }));

  /** Directories stand for cgroups; the kernel's files are not in new ones, so that there is nothing to tell. */
  function unified(own: string, handedOn: Readonly<Record<string, string>>): CgroupHierarchy {
    for (const [path, controllers] of Object.entries(handedOn)) {
      mkdirSync(join(place, path), { recursive: true });
      writeFileSync(join(place, path, 'cgroup.subtree_control'), controllers);
      writeFileSync(join(place, path, 'cgroup.procs'), '');
    }
    return { version: 2, controllers: [], mountPoint: place, directory: join(place, own) };
  }
  const quietly = (controller: 'memory' | 'cpu') =>
    ({ controller, option: `--${controller}`, files: { 1: [], 2: [] } }) as const;
  const below = (path: string): string[] =>
    readdirSync(join(place, path)).filter((name) => name.startsWith('tsbuild-'));

  test('version 2: beside our own cgroup, where the one above hands the controllers on', () => {
    const tree = unified('user/app/own', { user: 'memory', 'user/app': 'cpu memory', 'user/app/own': '' });
    // As the kernel does with the words "+memory": nothing, since there are processes in it.
    chmodSync(join(place, 'user/app/own/cgroup.subtree_control'), 0o444);
    const [made] = makeCgroups([quietly('memory'), quietly('cpu')], [tree]);
    // Root may write to what is read-only: the file then says "+memory +cpu", which is no controller's name.
    expect(made?.directory).toBe(join(place, 'user/app', ...below('user/app')));
    expect(below('user/app')).toHaveLength(1);
  });

  test('removes what dead processes have left there, and nothing else', () => {
    const tree = unified('own', { '': 'memory', own: '' });
    const dead = join(place, 'tsbuild-4194305-12-1');
    const reused = join(place, `tsbuild-${process.pid}-1-1`);
    const others = ['tsbuild-x', 'docker'].map((name) => join(place, name));
    for (const path of [dead, reused, ...others]) mkdirSync(path);
    const first = makeCgroups([quietly('memory')], [tree]);
    const second = makeCgroups([quietly('memory')], [tree]);
    expect([dead, reused].map((path) => existsSync(path))).toEqual([false, false]);
    expect([...others, ...[...first, ...second].map(({ directory }) => directory)].every(existsSync)).toBe(true);
  });

  test('refuses by name where no cgroup is ours, and says what would help', () => {
    const tree = unified('own', { own: '' });
    writeFileSync(join(place, 'cgroup.subtree_control'), '');
    expect(() => makeCgroups([quietly('memory')], [tree])).toThrow(
      expect.objectContaining({
        code: 'SANDBOX_UNAVAILABLE',
        message: 'cannot limit steps by --memory: the controller "memory" of cgroups is not given to this process',
        hint: expect.stringContaining('systemd-run --user --scope tsbuild') as string,
      }),
    );
    expect(() => makeCgroups([quietly('cpu')], [])).toThrow('cannot limit steps by --cpu: the controller "cpu"');
  });

  test('version 1: in each hierarchy, below our own; of a cpuset, with what that one has', () => {
    const hierarchy = (name: string): CgroupHierarchy => {
      mkdirSync(join(place, name));
      return { version: 1, controllers: [name], mountPoint: join(place, name), directory: join(place, name) };
    };
    const hierarchies = [hierarchy('memory'), hierarchy('cpu')];
    makeCgroups([quietly('memory'), quietly('cpu')], hierarchies);
    expect([below('memory').length, below('cpu').length]).toEqual([1, 1]);
  });

  test('what is missing is no error where it is optional, is one by name where it is not, and nothing is left then', () => {
    const tree = unified('own', { '': 'memory', own: '' });
    const told = (optional: boolean) => ({
      ...quietly('memory'),
      files: {
        1: [],
        2: [{ name: 'memory.swap.max', value: '1', ...(optional ? ({ optional: true } as const) : {}) }],
      },
    });
    makeCgroups([told(true)], [tree]);
    expect(below('')).toHaveLength(1);
    expect(() => makeCgroups([told(false)], [tree])).toThrow(
      'cannot limit steps by --memory-swap: this kernel has no "memory.swap.max"',
    );
    expect(below('')).toHaveLength(1);
    expect(readFileSync(join(place, 'cgroup.subtree_control'), 'utf8')).toBe('memory');
  });
});
