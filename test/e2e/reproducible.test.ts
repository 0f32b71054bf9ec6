import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requirement } from '../support/require.js';
import { hasTools } from '../support/tools.js';
import { tsbuild } from '../support/tsbuild.js';

const DOCKERFILE = `FROM base AS work
WORKDIR /app/deep
COPY --chown=12:34 files /app/
RUN mkdir -p /out/deep && for i in 1 2 3; do echo $i > /out/deep/$i; done \\
 && ln /out/deep/1 /out/hard && ln -s deep/2 /out/soft && chmod 4755 /out/deep/3 && mkfifo /out/fifo \\
 && rm /app/a && rm -rf /usr/share && mkdir /usr/share
FROM base
COPY --from=work /out /out
COPY --from=work /app /app
RUN cat /out/deep/1 /app/b > /result
CMD ["cat", "/result"]
`;
/** Owners up to the last of 16 bits, links, set-user-ID programs, and a step of another user. */
const OWNERS = `FROM base
RUN mkdir /own /shared && echo a > /own/a && chown 33:44 /own/a && ln /own/a /own/b && ln -s nowhere /own/link \\
 && chown -h 5:6 /own/link && echo s > /own/s && chown 7:8 /own/s && chmod 6755 /own/s && mkfifo /own/fifo \\
 && chown 65000:100 /own && chmod 2755 /own && chmod 1777 /shared
USER 1234:2345
RUN echo mine > /shared/mine && test ! -w /own/a
`;
const CLI = join(import.meta.dirname, '../../dist/bin/tsbuild.js');
let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-reproducible-'));
  chmodSync(root, 0o755);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The same context each time, made anew: other inodes, other folder times. */
function makeContext(name: string): string {
  const directory = join(root, name);
  mkdirSync(join(directory, 'files/sub'), { recursive: true });
  const order = name.endsWith('2') ? ['b', 'a', 'c'] : ['a', 'b', 'c'];
  for (const file of order) writeFileSync(join(directory, 'files', file), file);
  symlinkSync('a', join(directory, 'files/link'));
  writeFileSync(join(directory, 'Dockerfile'), DOCKERFILE);
  for (const path of ['files', 'files/sub']) chmodSync(join(directory, path), 0o755);
  for (const path of ['files/a', 'files/b', 'files/c']) {
    chmodSync(join(directory, path), 0o644);
    utimesSync(join(directory, path), 1_600_000_000, 1_600_000_000);
  }
  return directory;
}

/** Builds under other circumstances and gives the names of all blobs: names are digests. */
function buildBlobs(
  name: string,
  circumstances: { umask: string; zone: string; prefix?: readonly string[]; prepare?: (directory: string) => void },
): readonly string[] {
  const directory = makeContext(name);
  circumstances.prepare?.(directory);
  const store = join(directory, 'store');
  const { umask, zone, prefix = [] } = circumstances;
  if (prefix.length > 0) chownSync(directory, 65534, 65534);
  const script = `umask ${umask}; "$NODE" "$CLI" bootstrap -t base 2>&1 && "$NODE" "$CLI" -q -t x . 2>&1`;
  const env = {
    PATH: process.env['PATH'],
    HOME: directory,
    NODE: process.execPath,
    CLI,
    TSBUILD_STORE: store,
    TZ: zone,
    SOURCE_DATE_EPOCH: '0',
  };
  const [file = 'sh', ...args] = [...prefix, 'sh', '-c', script];
  const { status, stdout } = spawnSync(file, args, { cwd: directory, env, encoding: 'utf8' });
  expect({ status, stdout }).toMatchObject({ status: 0 });
  expect(readdirSync(join(store, 'tmp'))).toEqual([]);
  return readdirSync(join(store, 'blobs/sha256')).sort();
}

describe('SOURCE_DATE_EPOCH=0', () => {
  test('two stores get byte-identical images, whatever umask, time zone and order of making', () => {
    const first = buildBlobs('one', { umask: '022', zone: 'UTC' });
    const second = buildBlobs('two2', { umask: '077', zone: 'Asia/Kathmandu' });
    expect(second).toEqual(first);
  });

  const root_ = requirement('root', process.getuid?.() === 0, 'only root can become another user');
  test.skipIf(root_.skip)(`an ordinary user without /etc/subuid gets what root gets (${root_.reason})`, () => {
    const asRoot = buildBlobs('root', { umask: '022', zone: 'UTC' });
    const prefix = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
    expect(buildBlobs('user', { umask: '022', zone: 'UTC', prefix })).toEqual(asRoot);
  });

  const ranges = requirement('unprivileged-user', hasTools('newuidmap', 'unshare', 'setpriv'), 'it needs newuidmap');
  test.skipIf(root_.skip || ranges.skip)(`owners that steps give are those that root gives (${ranges.reason})`, () => {
    const prepare = (directory: string): void => {
      writeFileSync(join(directory, 'Dockerfile'), OWNERS);
      chmodSync(join(directory, 'Dockerfile'), 0o644);
    };
    const asRoot = buildBlobs('root-owners', { umask: '022', zone: 'UTC', prepare });
    const lines = join(root, 'subid');
    writeFileSync(lines, 'nobody:100000:65536\n');
    chmodSync(lines, 0o644);
    const script =
      'mount --bind "$0" /etc/subuid && mount --bind "$0" /etc/subgid && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"';
    const prefix = ['unshare', '--mount', 'sh', '-c', script, lines];
    expect(buildBlobs('user-owners', { umask: '077', zone: 'UTC', prefix, prepare })).toEqual(asRoot);
    const layers = asRoot.map((name) => readFileSync(join(root, 'root-owners/store/blobs/sha256', name), 'latin1'));
    // In a tar's header: a name, its mode, and 65000 and 100 in octal.
    expect(
      layers.filter((layer) => /own\/\0+0002755\0?0?176750\0?0000144/.test(layer.replaceAll(' ', ''))),
    ).toHaveLength(1);
  });

  const setcap = requirement('setcap', hasTools('setcap'), 'it writes file capabilities');
  const skip = root_.skip || setcap.skip;
  test.skipIf(skip)(`file capabilities that a step sets come out of a user namespace (${setcap.reason})`, () => {
    const asRoot = buildBlobs('root-caps', { umask: '022', zone: 'UTC', prepare: addSetcap });
    const prefix = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
    expect(buildBlobs('user-caps', { umask: '022', zone: 'UTC', prefix, prepare: addSetcap })).toEqual(asRoot);
    const blobs = join(root, 'root-caps/store/blobs/sha256');
    const layers = readdirSync(blobs).map((name) => readFileSync(join(blobs, name), 'latin1'));
    // Version 2, effective, CAP_NET_RAW: without the id that the kernel adds in a namespace (capabilities(7), "Namespaced file
    // capabilities").
    const capability = 'SCHILY.xattr.security.capability=\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\n';
    expect(layers.filter((layer) => layer.includes(capability))).toHaveLength(1);
  });
});

/** The program with its libraries, and a Dockerfile that runs it. */
function addSetcap(directory: string): void {
  const program = execFileSync('sh', ['-c', 'command -v setcap'], { encoding: 'utf8' }).trim();
  const libraries = execFileSync('ldd', [program], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  mkdirSync(join(directory, 'lib'), { mode: 0o755 });
  for (const file of [program, ...libraries]) {
    const copy = join(directory, 'lib', basename(file));
    copyFileSync(file, copy);
    chmodSync(copy, 0o755);
    utimesSync(copy, 1_600_000_000, 1_600_000_000);
  }
  const loader = libraries.map((file) => basename(file)).find((name) => name.startsWith('ld-')) ?? '';
  const run = `/lib/${loader} --library-path /lib /lib/setcap cap_net_raw+ep /capable`;
  writeFileSync(join(directory, 'Dockerfile'), `FROM base\nCOPY lib /lib\nRUN echo content > /capable && ${run}\n`);
  chmodSync(join(directory, 'Dockerfile'), 0o644);
}

test('a second build in the same store is all cache and gives the same image, without an epoch', async () => {
  const cwd = makeContext('cached');
  const env = { TSBUILD_STORE: join(cwd, 'store') };
  expect((await tsbuild(['bootstrap', '-t', 'base'], { env })).exitCode).toBe(0);
  const first = await tsbuild(['-q', '-t', 'x', '.'], { env, cwd });
  const second = await tsbuild(['-q', '-t', 'x', '.'], { env, cwd });
  expect(first.stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  expect(second).toMatchObject({ exitCode: 0, stdout: first.stdout });
});

describe('--check-reproducible', () => {
  const DIFFERENT = `FROM base AS work
RUN cat /proc/sys/kernel/random/uuid > /etc/machine-id && mkdir -p /d && date > /d/now && echo same > /d/same
RUN echo below > /d/below
FROM base
COPY --from=work /d/now /now
`;
  async function check(dockerfile: string, ...words: string[]): Promise<Awaited<ReturnType<typeof tsbuild>>> {
    const directory = mkdtempSync(join(root, 'check-'));
    writeFileSync(join(directory, 'Dockerfile'), dockerfile);
    const env = { TSBUILD_STORE: join(directory, 'store') };
    const made = await tsbuild(['bootstrap', '-t', 'base'], { env });
    expect(made.exitCode).toBe(0);
    const result = await tsbuild(['--check-reproducible', '-t', 'x', ...words, directory], { env });
    // Of the second time nothing stays.
    expect(readdirSync(join(directory, 'store/tmp')).filter((name) => name.startsWith('owned-'))).toEqual([]);
    return result;
  }

  test('tells which files of which step differ, and not of the steps above', async () => {
    const { exitCode, stderr } = await check(DIFFERENT, '--source-date-epoch=5', '--progress=plain');
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 9 });
    const told = stderr.slice(stderr.indexOf('------'));
    expect(told).toMatch(/^------\n > \[work 2\/3\] RUN .* \(Dockerfile:2\) gave another layer the second time:\n/);
    expect(told).toContain('  /d/now: content from byte ');
    expect(told).toContain('  /etc/machine-id: content from byte ');
    expect(told).toContain('A machine id is random');
    expect(told).not.toMatch(/same:|below:|COPY/);
    expect(stderr).toContain('cannot build the same image twice: 1 of 3 steps gave another layer');
  });

  test('is quiet of an image that is the same, which gets its name', async () => {
    const { exitCode, stdout, stderr } = await check('FROM base\nRUN echo a > /a\nWORKDIR /w\n', '--timestamp=5', '-q');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^sha256:/);
  });
});
