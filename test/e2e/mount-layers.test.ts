import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { classicMembers, tarOf } from '../support/archive-builder.js';
import { device, directory, file, hardlink, layerTar, symlink } from '../support/layer-entries.js';
import { requirement } from '../support/require.js';
import { expectSoundStore } from '../support/store-oracle.js';
import { hasTools } from '../support/tools.js';
import { CLI, tsbuild, type CliResult } from '../support/tsbuild.js';

// Builds whose layers are mounted from their tars, by the built command line.

const isRoot = process.getuid?.() === 0;
const { skip } = requirement('sandbox', isRoot && existsSync('/bin/busybox'), 'only root mounts EROFS; busybox-static');

let place: string;
/** An archive of an image whose layers are compressed. */
let base: string;

const storeOf = (name: string): string => join(place, name);
const run = (
  store: string,
  args: readonly string[],
  options: { kind?: string; killAfterMs?: number; under?: readonly string[] } = {},
) => {
  const { kind = '', ...rest } = options;
  const env = {
    TSBUILD_STORE: storeOf(store),
    TSBUILD_SNAPSHOTTER: kind,
    SOURCE_DATE_EPOCH: '1700000000',
    HOME: place,
  };
  return tsbuild(args, { env, cwd: place, ...rest });
};
const ok = ({ exitCode, stdout, stderr }: CliResult): string => {
  expect(exitCode, stderr).toBe(0);
  return stdout.trim();
};
const write = (name: string, ...lines: string[]): string => {
  writeFileSync(join(place, 'context', name), `${lines.join('\n')}\n`);
  return join(place, 'context', name);
};
const filesOf = (store: string, name: string): readonly string[] => {
  const folder = join(storeOf(store), 'snapshots/host');
  const all = existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String) : [];
  return all.filter((path) => path.endsWith(`/${name}`)).map((path) => join(folder, path));
};

const STEPS = [
  'FROM base AS other',
  'RUN echo other > /other && rm /tree/gone',
  'FROM base',
  'RUN rm -r /tree/below && mkdir /tree/below && echo new > /tree/below/new && echo more >> /tree/edited',
  'RUN chmod 700 /tree && mv /tree/large /moved && test "$(cat /tree/also)" = linked && ! test -e /tree/below/old',
  'COPY --from=other /other /tree/from',
  'RUN --mount=type=bind,from=other,source=/tree,target=/mnt test ! -e /mnt/gone && cat /mnt/edited /tree/from > /seen',
  'RUN find /bin /tree | sort > /listing && stat -c "%a %u %g %s %n" /tree/[a-l]* > /stats && stat -c %Y /tree/also /tree/link >> /stats',
];

beforeAll(async () => {
  if (skip) return;
  place = mkdtempSync(join(tmpdir(), 'mount-layers-'));
  mkdirSync(join(place, 'context'));
  cpSync('/bin/busybox', join(place, 'context/busybox'));
  const tree = await layerTar(
    directory('tree', { mode: 0o755 }),
    directory('tree/below'),
    file('tree/below/old', 'old'),
    file('tree/edited', 'edited', { mode: 0o640, uid: 5, gid: 6 }),
    file('tree/gone', 'gone'),
    file('tree/linked', 'linked'),
    hardlink('tree/also', 'tree/linked'),
    symlink('tree/link', 'edited'),
    device('tree/null', 1, 3),
    file('tree/large', 'l'.repeat(100_000)),
  );
  writeFileSync(join(place, 'context/tree.tar'), tree);
  write(
    'base',
    'FROM scratch',
    'COPY busybox /bin/busybox',
    'RUN ["/bin/busybox", "--install", "-s", "/bin"]',
    'ADD tree.tar /',
  );
  base = join(place, 'base.tar');
  const output = `type=oci,dest=${base},compression=gzip,force-compression=true,name=base`;
  ok(await run('making', ['build', '-q', '-f', 'context/base', '-o', output, 'context']));
});
afterAll(() => {
  if (!skip) rmSync(place, { recursive: true, force: true });
});

async function buildIn(store: string, kind: string, ...more: string[]): Promise<string> {
  write('steps', ...STEPS);
  if (!existsSync(storeOf(store))) ok(await run(store, ['load', '-q', '-i', base]));
  return ok(await run(store, ['build', '-q', '--no-cache', '-f', 'context/steps', ...more, 'context'], { kind }));
}

const WAITING = { timeout: 20_000, interval: 20 };

/** Of all processes of the machine: a name for each mount of an image, once, whatever is mounted upon it. */
function mountedImages(): readonly string[] {
  return readdirSync('/sys/fs/erofs').filter((name) => name.startsWith('erofs-'));
}

function processesOf(argv: readonly string[]): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8') === `${argv.join('\0')}\0`;
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}

/** Of an image whose second layer is a link to a file of the first. */
async function linkingArchive(): Promise<string> {
  const busybox = await layerTar(directory('bin'), file('bin/busybox', readFileSync('/bin/busybox'), { mode: 0o755 }));
  const layers = [{ tar: busybox }, { tar: await layerTar(hardlink('bin/sh', 'bin/busybox')) }];
  const path = join(place, 'linking.tar');
  writeFileSync(path, await tarOf(classicMembers(layers, ['linking:latest'])));
  return path;
}

describe.skipIf(skip)('layers that are mounted from their tars', () => {
  test('give the same image as layers that are unpacked, or copied', { timeout: 300_000 }, async () => {
    const id = await buildIn('erofs', 'erofs');
    // The base has three layers, and is two of the stages.
    expect(filesOf('erofs', 'layer.erofs')).toHaveLength(3 + 1);
    expect(filesOf('erofs', 'layer.tar')).toHaveLength(3);
    expect(await buildIn('overlay', 'overlay')).toBe(id);
    expect(filesOf('overlay', 'layer.erofs')).toEqual([]);
    expect(await buildIn('copy', 'copy')).toBe(id);
    // Stacks of one kind may come to be used in the other way, and back.
    expect(await buildIn('erofs', 'overlay')).toBe(id);
    expect(await buildIn('overlay', 'erofs')).toBe(id);
    expect(await buildIn('erofs', 'erofs')).toBe(id);
    for (const store of ['erofs', 'overlay', 'copy']) expectSoundStore(storeOf(store));
  });

  test('are made again when they are damaged', { timeout: 300_000 }, async () => {
    const id = await buildIn('damaged', 'erofs');
    for (const path of filesOf('damaged', 'layer.erofs')) writeFileSync(path, 'damaged', { flag: 'r+' });
    const fsck = await run('damaged', ['fsck']);
    expect(fsck.stdout + fsck.stderr).toContain('snapshots/host/overlay/');
    expect(await buildIn('damaged', 'erofs')).toBe(id);
    const [first = '', second = '', third = ''] = filesOf('damaged', 'layer.tar');
    truncateSync(first, 512);
    writeFileSync(second, 'x', { flag: 'r+' });
    rmSync(third);
    expect(await buildIn('damaged', 'erofs')).toBe(id);
    ok(await run('damaged', ['fsck', '--repair']));
    ok(await run('damaged', ['fsck']));
    expectSoundStore(storeOf('damaged'));
  });

  test('leave nothing that is wrong when they are killed on the way', { timeout: 300_000 }, async () => {
    write('steps', ...STEPS);
    ok(await run('killed', ['load', '-q', '-i', base]));
    for (const killAfterMs of [350, 550, 800, 1100]) {
      await run('killed', ['build', '-f', 'context/steps', 'context'], { kind: 'erofs', killAfterMs });
      expectSoundStore(storeOf('killed'));
    }
    expect(await buildIn('killed', 'erofs')).toBe(await buildIn('erofs', 'erofs'));
  });

  test('are mounted by each step where steps cannot share a mount', { timeout: 60_000 }, async (context) => {
    const tools = requirement('strace', hasTools('strace'), 'strace is not installed');
    if (tools.skip) context.skip(tools.reason);
    const id = await buildIn('erofs', 'erofs');
    // As kernels before 6.15 in the end; only the builder's own calls fail, not those of the processes that become steps.
    const log = join(place, 'strace.log');
    const under = ['strace', '-o', log, '-e', 'trace=fsmount', '-e', 'inject=fsmount:error=EINVAL'];
    const words = ['build', '-q', '--no-cache', '-f', 'context/steps', 'context'];
    expect(ok(await run('erofs', words, { kind: 'erofs', under }))).toBe(id);
    expect(readFileSync(log, 'utf8').match(/INJECTED/g)).toHaveLength(1);
  });

  test('leave no mount, and no process, when their builder is killed in a step', { timeout: 60_000 }, async () => {
    ok(await run('shot', ['load', '-q', '-i', base]));
    // Known by a number that nobody else sleeps for.
    const seconds = `${900 + Math.random()}`;
    write('steps', 'FROM base', 'RUN cat /tree/large >/dev/null', `RUN sleep ${seconds}`);
    const before = mountedImages();
    const env = {
      PATH: process.env['PATH'],
      TSBUILD_STORE: storeOf('shot'),
      TSBUILD_SNAPSHOTTER: 'erofs',
      HOME: place,
    };
    const builder = spawn(process.execPath, [CLI, 'build', '-q', '-f', 'context/steps', 'context'], {
      ...{ cwd: place, env },
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => builder.once('exit', resolve));
    await vi.waitUntil(() => processesOf(['sleep', seconds]).length === 1, WAITING);
    const own = mountedImages().filter((name) => !before.includes(name));
    expect(own).not.toEqual([]);
    builder.kill('SIGKILL');
    await ended;
    // The kernel kills what has lost its process 1, and takes apart what nobody holds.
    await vi.waitUntil(() => processesOf(['sleep', seconds]).length === 0, WAITING);
    await vi.waitUntil(() => !mountedImages().some((name) => own.includes(name)), WAITING);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(place);
    write('steps', ...STEPS);
    ok(await run('shot', ['build', '-q', '-f', 'context/steps', 'context'], { kind: 'erofs' }));
    expectSoundStore(storeOf('shot'));
  });

  test(
    'can go while their images stay, are made again, and go with them, tars and all',
    { timeout: 300_000 },
    async () => {
      const id = await buildIn('pruned', 'erofs');
      const snapshots = (): number => filesOf('pruned', 'layer.tar').length + filesOf('pruned', 'layer.erofs').length;
      const made = snapshots();
      ok(await run('pruned', ['prune', '--snapshots', '--dry-run']));
      expect(snapshots()).toBe(made);
      ok(await run('pruned', ['prune', '--snapshots']));
      expect(filesOf('pruned', 'meta.json')).toEqual([]);
      expectSoundStore(storeOf('pruned'));
      expect(await buildIn('pruned', 'erofs')).toBe(id);
      expect(snapshots()).toBeGreaterThan(0);
      ok(await run('pruned', ['rmi', 'base']));
      ok(await run('pruned', ['prune', '--all', '--force']));
      expect([...filesOf('pruned', 'layer.tar'), ...filesOf('pruned', 'layer.erofs')]).toEqual([]);
    },
  );

  test('are ready to be mounted when an archive of them has been loaded', { timeout: 300_000 }, async () => {
    // A small layer is not worth a thread, and inflated when it is needed.
    writeFileSync(join(place, 'context/random'), randomBytes(6 << 20));
    write('large', 'FROM base', 'COPY random /random');
    ok(await run('loading', ['load', '-q', '-i', base]));
    const archive = join(place, 'large.tar');
    const output = `type=oci,dest=${archive},compression=gzip,force-compression=true,name=large`;
    ok(await run('loading', ['build', '-q', '-f', 'context/large', '-o', output, 'context']));
    write('steps', 'FROM large', 'RUN wc -c < /random > /size');

    ok(await run('unmounted', ['load', '-q', '-i', archive], { kind: 'overlay' }));
    expect(filesOf('unmounted', 'layer.tar')).toEqual([]);
    ok(await run('loaded', ['load', '-q', '-i', archive]));
    const [tar = '', ...others] = filesOf('loaded', 'layer.tar');
    expect(others).toEqual([]);
    const before = statSync(tar, { bigint: true });
    ok(await run('loaded', ['prune', '--force']));
    expect(ok(await run('loaded', ['df', '--verbose']))).not.toContain('incomplete');
    ok(await run('loaded', ['build', '-q', '-f', 'context/steps', '-t', 'sized', 'context']));
    expect(filesOf('loaded', 'layer.tar')).toHaveLength(4);
    expect(statSync(tar, { bigint: true })).toMatchObject({ ino: before.ino, ctimeNs: before.ctimeNs });
    expectSoundStore(storeOf('loaded'));

    ok(await run('loaded', ['rmi', 'large', 'sized']));
    ok(await run('loaded', ['prune', '--all', '--force']));
    expect(filesOf('loaded', 'layer.tar')).toEqual([]);
  });

  test('are unpacked where that cannot be, which is said', { timeout: 300_000 }, async () => {
    write('linking', 'FROM linking', 'RUN echo it works');
    ok(await run('unmountable', ['load', '-q', '-i', await linkingArchive()]));
    const args = ['build', '--progress', 'plain', '-f', 'context/linking', 'context'];
    const { exitCode, stderr } = await run('unmountable', args, { kind: 'erofs' });
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toContain('it works');
    expect(stderr).toMatch(
      /layer sha256:[0-9a-f]+ is unpacked, not mounted: it has hard links to files of layers below/,
    );
    expect(filesOf('unmountable', 'layer.erofs')).toHaveLength(1);
    // The tar of what is not compressed is its blob.
    expect(filesOf('unmountable', 'layer.tar')).toEqual([]);
  });

  test('are what an image is run upon, which stays as it is', { timeout: 300_000 }, async () => {
    ok(await run('run', ['load', '-q', '-i', base]));
    const changes = [
      'cat /tree/edited /tree/also && stat -c "%u %g %a" /tree/edited',
      'echo more >> /tree/edited && rm -r /tree/below && mkdir /tree/below && mv /tree/large /moved && chmod 700 /tree',
      'cat /tree/edited && ls /tree/below && wc -c < /moved && exit 7',
    ];
    const words = ['run', 'base', 'sh', '-c', changes.join('\n')];
    const outcome = { exitCode: 7, stdout: 'editedlinked5 6 640\neditedmore\n100000\n', stderr: '' };
    expect(await run('run', words, { kind: 'erofs' })).toMatchObject(outcome);
    expect(filesOf('run', 'layer.erofs')).toHaveLength(3);
    // What the first one did is gone, and nothing is made again.
    const made = filesOf('run', 'layer.erofs').map((path) => statSync(path).ino);
    expect(await run('run', words, { kind: 'erofs' })).toMatchObject(outcome);
    expect(filesOf('run', 'layer.erofs').map((path) => statSync(path).ino)).toEqual(made);
    expect(await run('run', words, { kind: 'overlay' })).toMatchObject(outcome);
    expectSoundStore(storeOf('run'));
  });

  test('are unpacked for a run where they cannot be mounted', { timeout: 300_000 }, async () => {
    ok(await run('unmountable-run', ['load', '-q', '-i', await linkingArchive()]));
    const words = ['run', 'linking', 'sh', '-c', 'echo works > /new && cat /new && exit 3'];
    for (const _time of ['first', 'second']) {
      expect(await run('unmountable-run', words, { kind: 'erofs' })).toMatchObject({ exitCode: 3, stdout: 'works\n' });
    }
    expect(filesOf('unmountable-run', 'layer.erofs')).toHaveLength(1);
    expectSoundStore(storeOf('unmountable-run'));
  });

  test('cannot be asked for in a way that there is not', async () => {
    write('steps', ...STEPS);
    ok(await run('asked', ['load', '-q', '-i', base]));
    const { exitCode, stderr } = await run('asked', ['build', '-f', 'context/steps', 'context'], { kind: 'floppy' });
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('cannot use TSBUILD_SNAPSHOTTER "floppy": there is no such way');
  });
});
