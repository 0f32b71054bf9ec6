import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { runCli } from '../../../../src/cli/run-cli.js';
import { timeOf } from '../../../../src/cli/text/moment.js';
import { digestOf } from '../../../../src/oci/digest.js';
import type {
  DiskUsage,
  PruneResult,
  PruneStoreOptions,
  StoreFinding,
} from '../../../../src/toolchain/care/store-care-types.js';
import { NOW, testHost, type TestHost, type TestHostOptions } from '../test-host.js';

const none = { count: 0, bytes: 0 };
const USAGE: DiskUsage = {
  images: [{ imageId: digestOf('image'), names: ['x:1'], bytes: 3000, sharedBytes: 1000 }],
  imageBytes: { all: 4000, reclaimable: 1000 },
  cache: [
    {
      key: digestOf('step'),
      kind: 'step',
      label: 'RUN a\u001b[2J',
      bytes: 500,
      shared: false,
      usedAt: NOW - 7_200_000,
    },
  ],
  cacheBytes: 500,
  snapshots: [{ id: digestOf('chain'), bytes: 9000, torn: false, needed: true }],
  cacheMounts: [{ id: '/cache', bytes: 20, usedAt: NOW - 3_600_000 }],
  gitRepositories: none,
  layerIndexes: { count: 2, bytes: 700 },
  unneeded: none,
  temporary: none,
};
const PRUNED: PruneResult = {
  images: [{ kind: 'untagged', name: 'x:1' }],
  cache: [],
  blobs: { count: 2, bytes: 5000 },
  snapshots: none,
  cacheMounts: [],
  gitRepositories: none,
  layerIndexes: none,
  bytes: 5000,
};

describe('df', () => {
  const host = (): TestHost => testHost({ toolchain: { diskUsage: () => Promise.resolve(USAGE) } });

  test('prints a row for each kind of thing, as docker system df does', async () => {
    const shown = host();
    expect(await runCli(['df'], shown)).toBe(0);
    expect(shown.output().split('\n')).toEqual(
      expect.arrayContaining([
        'TYPE               TOTAL   ACTIVE   SIZE   RECLAIMABLE',
        'Images             1       1        4kB    1kB (25%)',
        'Snapshots          1       1        9kB    0B (0%)',
        'Layer indexes      2       2        700B   0B (0%)',
      ]),
    );
  });

  test('shows every thing with -v, and no control character of a Dockerfile', async () => {
    const shown = host();
    await runCli(['df', '-v'], shown);
    expect(shown.output()).toMatch(/^x:1 .* 3kB +1kB +2kB$/m);
    expect(shown.output()).toMatch(/ step +RUN a.* 500B +2 hours ago +false$/m);
    expect(shown.output()).not.toContain('\u001b');
  });

  test('gives programs the members that Docker has, and with -v bytes', async () => {
    const [lines, whole] = [host(), host()];
    await runCli(['df', '--format', 'json'], lines);
    expect(JSON.parse(lines.output().split('\n')[0] ?? '')).toEqual({
      Type: 'Images',
      TotalCount: '1',
      Active: '1',
      Size: '4kB',
      Reclaimable: '1kB (25%)',
    });
    await runCli(['df', '-v', '--format=json'], whole);
    expect(JSON.parse(whole.output())).toEqual(USAGE);
  });
});

describe('prune', () => {
  async function prune(args: readonly string[], options: TestHostOptions = {}) {
    const asked: PruneStoreOptions[] = [];
    const host = testHost({
      toolchain: {
        prune: (given = {}) => {
          const { signal: _signal, ...rest } = given;
          asked.push(rest);
          return Promise.resolve(PRUNED);
        },
      },
      ...options,
    });
    return { status: await runCli(['prune', ...args], host), asked, host };
  }

  test('tells what went, and how much that was', async () => {
    const { host } = await prune([]);
    expect(host.output()).toBe(
      'TYPE       NAME   SIZE\nuntagged   x:1\nblobs      2      5kB\nTotal reclaimed space: 5kB\n',
    );
    expect((await prune(['--dry-run'])).host.output()).toContain('Total reclaimable space: 5kB');
  });

  test('passes on what it is asked for', async () => {
    const words = ['-a', '-f', '--cache-mounts', '--snapshots', '--filter', 'until=24h', '--keep-storage', '20GB'];
    expect((await prune(words)).asked).toEqual([
      {
        all: true,
        cacheMounts: true,
        snapshots: true,
        dryRun: false,
        unusedSince: NOW - 86_400_000,
        keepStorage: 20e9,
      },
    ]);
    expect((await prune(['--keep-storage=0'])).asked[0]?.keepStorage).toBe(0);
  });

  test.each([[['--filter', 'label=x']], [['--filter', 'until=soon']], [['--keep-storage', 'much']]])(
    'refuses %j',
    async (words) => {
      const { status, asked } = await prune(words);
      expect([status, asked]).toEqual([2, []]);
    },
  );

  test('without a terminal, removes all images only when told so twice', async () => {
    const { status, asked, host } = await prune(['--all']);
    expect([status, asked]).toEqual([2, []]);
    expect(host.errors()).toContain('--force');
    expect((await prune(['--all', '--dry-run'])).asked).toHaveLength(1);
  });

  test.each([
    ['y\n', 1],
    ['YES\n', 1],
    ['n\n', 0],
    ['\n', 0],
  ])('at a terminal asks, and takes %j for an answer', async (answer, times) => {
    const stdin = Object.assign(Readable.from([Buffer.from(answer)]), { isTTY: true });
    let pruned = 0;
    const prune = (): Promise<PruneResult> => {
      pruned += 1;
      return Promise.resolve(PRUNED);
    };
    const host = testHost({ toolchain: { prune } });
    expect(await runCli(['prune', '--all'], { ...host, stdin })).toBe(0);
    expect(pruned).toBe(times);
    expect(host.errors()).toContain('all images');
  });
});

describe('fsck', () => {
  const FINDING: StoreFinding = {
    invariant: 'I1',
    path: 'blobs/sha256/abc',
    state: 'its content has another digest',
    remedy: 'moves it to corrupt/blobs-sha256-abc',
    repaired: false,
  };
  async function fsck(args: readonly string[], findings: readonly StoreFinding[]) {
    const host = testHost({ toolchain: { checkStore: () => Promise.resolve(findings) } });
    return { status: await runCli(['fsck', ...args], host), output: host.output() };
  }

  test('says that a sound store is one', async () => {
    expect(await fsck([], [])).toEqual({ status: 0, output: 'The store is as it should be.\n' });
  });

  test('ends with status 1 while damage remains, and with 0 when all is repaired', async () => {
    const found = await fsck([], [FINDING]);
    expect(found.status).toBe(1);
    expect(found.output).toContain('I1  blobs/sha256/abc: its content has another digest (repair possible: moves it');
    expect((await fsck(['--repair'], [{ ...FINDING, repaired: true }])).status).toBe(0);
    expect((await fsck(['--repair'], [{ ...FINDING, remedy: undefined }])).status).toBe(1);
  });

  test('gives programs what it found', async () => {
    const { output } = await fsck(['--format', 'json'], [FINDING]);
    expect(JSON.parse(output)).toEqual({ findings: [FINDING], remaining: 1 });
  });
});

test.each([
  ['24h', NOW - 86_400_000],
  ['1h30m', NOW - 5_400_000],
  ['10d', NOW - 864_000_000],
  ['1700000000', 1_700_000_000_000],
  ['2024-01-02', Date.UTC(2024, 0, 2)],
  ['2024-01-02T03:04:05Z', Date.UTC(2024, 0, 2, 3, 4, 5)],
  ['-1h', undefined],
  ['yesterday', undefined],
  ['', undefined],
  ['2024-13-45', undefined],
])('%j is the moment %s', (text, moment) => {
  expect(timeOf(text, NOW)).toBe(moment);
});

test('additional stores come from the options, else from the environment, and hide no command', async () => {
  const env = { TSBUILD_ADDITIONAL_STORES: '/a:b:', TSBUILD_KEEP_STORAGE: '' };
  const host = testHost({ env, toolchain: { checkStore: () => Promise.resolve([]) } });
  expect(await runCli(['--additional-store', '/c', 'fsck'], host)).toBe(0);
  expect(await runCli(['fsck'], host)).toBe(0);
  expect(host.opened.map((given) => given.additionalStores)).toEqual([['/c'], ['/a', '/nowhere/b']]);
});

describe('cache-mount', () => {
  test('lists ids, sizes and last uses, also for programs', async () => {
    const mounts = [{ id: 'go\u001b[2J', bytes: 2000, usedAt: NOW - 7_200_000 }];
    const toolchain = { pruneCacheMounts: () => Promise.resolve(mounts) };
    const host = testHost({ toolchain });
    expect(await runCli(['cache-mount', 'ls'], host)).toBe(0);
    expect(host.output()).toMatch(/^CACHE MOUNT +SIZE +LAST USED\ngo\S+ +2kB +2 hours ago\n$/);
    expect(host.output()).not.toContain('\u001b');
    const asked = testHost({ toolchain });
    expect(await runCli(['cache-mount', 'ls', '--format', 'json'], asked)).toBe(0);
    expect(JSON.parse(asked.output())).toEqual({ ...mounts[0], usedAt: '2024-01-10T10:00:00.000Z' });
  });

  test.each([
    [['rm', 'x'], 'cannot rm cache mounts: no such action'],
    [['constructor'], 'cannot constructor cache mounts: no such action'],
    [['export'], 'cannot export cache mounts: no id is given'],
    [['ls', 'x'], 'cannot ls cache mounts: it takes no id'],
    [['import', 'x', '-o', 'f'], 'cannot use --output with import: it has only --input'],
    [['ls', '--format', 'yaml'], 'cannot use --format "yaml": no such value'],
  ])('%j is refused', async (args, message) => {
    const host = testHost();
    expect(await runCli(['cache-mount', ...args], host)).toBe(2);
    expect(host.errors()).toContain(message);
  });

  test('export writes to standard output, but not to a terminal', async () => {
    const toolchain = { exportCacheMount: (id: string) => Readable.from([Buffer.from(`files of ${id}`)]) };
    const host = testHost({ toolchain });
    expect(await runCli(['cache-mount', 'export', 'x'], host)).toBe(0);
    expect(host.output()).toBe('files of x');
    const terminal = testHost({ toolchain, stdoutIsTerminal: true });
    expect(await runCli(['cache-mount', 'export', 'x'], terminal)).toBe(2);
    expect(terminal.errors()).toContain('standard output is a terminal');
  });
});
