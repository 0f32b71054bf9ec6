import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  createReadStream,
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { file, layerTar, symlink } from '../support/layer-entries.js';
import { requirement } from '../support/require.js';
import { tsbuild } from '../support/tsbuild.js';

const CLI = join(import.meta.dirname, '../../dist/bin/tsbuild.js');
let root: string;
let context: string;
let env: Record<string, string>;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-copy-'));
  chmodSync(root, 0o755);
  env = { TSBUILD_STORE: join(root, 'store') };
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});
beforeEach(() => {
  context = mkdtempSync(join(root, 'context-'));
});
afterEach(() => {
  rmSync(context, { recursive: true, force: true });
});

interface Built {
  readonly exitCode: number | null;
  readonly stderr: string;
  /** Of COPY and ADD steps, in order: `done` or `cached`. */
  readonly steps: readonly string[];
}

async function build(...lines: readonly string[]): Promise<Built> {
  writeFileSync(join(context, 'Dockerfile'), `${lines.join('\n')}\n`);
  const { exitCode, stderr } = await tsbuild(['build', '--progress', 'json', '-t', 'copied', context], { env });
  const events = stderr.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Event] : []));
  const copies = events.flatMap(({ step = '', label = '' }) => (/\] (?:COPY|ADD) /.test(label) ? [step] : []));
  const outcome = (step: string): string =>
    events.find((event) => event.step === step && /^step-(?:done|cached)$/.test(event.type))?.type.slice(5) ??
    'neither';
  return { exitCode, stderr, steps: copies.map(outcome) };
}

interface Event {
  readonly type: string;
  readonly step?: string;
  readonly label?: string;
}

/** The last layer as `tar` lists it, or a member of it. */
function lastLayer(...options: readonly string[]): Buffer {
  const archive = join(root, 'saved.tar');
  const saved = spawnSync(process.execPath, [CLI, 'save', 'copied', '-o', archive], {
    env: { ...process.env, ...env },
  });
  expect(saved.status, saved.stderr.toString()).toBe(0);
  const manifest = execFileSync('tar', ['-xOf', archive, 'manifest.json'], { encoding: 'utf8' });
  const layer = (JSON.parse(manifest) as readonly { readonly Layers: readonly string[] }[])[0]?.Layers.at(-1) ?? '';
  const tar = execFileSync('tar', ['-xOf', archive, layer], { maxBuffer: 1 << 28 });
  return execFileSync('tar', ['--quoting-style=c', ...options], { input: tar, maxBuffer: 1 << 28 });
}
const listing = (): readonly string[] => lastLayer('-tf', '-').toString().trim().split('\n');

const tarNeeded = requirement('tar', spawnSync('tar', ['--version']).status === 0, 'GNU tar is not installed');

describe.skipIf(tarNeeded.skip)(`layers of COPY and ADD (${tarNeeded.reason})`, () => {
  test('a file whose name is no UTF-8 arrives with its bytes', async () => {
    mkdirSync(join(context, 'd'));
    writeFileSync(Buffer.concat([Buffer.from(join(context, 'd/n')), Buffer.from([0xff])]), 'x');
    expect((await build('FROM scratch', 'COPY d /x')).exitCode).toBe(0);
    expect(listing()).toEqual(['"x/"', String.raw`"x/n\377"`]);
  });

  test('a heredoc, a wildcard, an excluded file and a folder with its path', async () => {
    for (const path of ['a/b', 'c']) mkdirSync(join(context, path), { recursive: true });
    for (const path of ['a/b/f.txt', 'a/b/g.md', 'c/h.txt']) writeFileSync(join(context, path), path);
    const { exitCode } = await build(
      'FROM scratch',
      'ARG WHO=you',
      'COPY --parents --exclude=**/*.md a c/h* <<note /x/',
      '"Hello" $WHO',
      'note',
    );
    expect(exitCode).toBe(0);
    expect(listing()).toEqual(
      ['x/', 'x/a/', 'x/a/b/', 'x/a/b/f.txt', 'x/c/', 'x/c/h.txt', 'x/note'].map((path) => `"${path}"`),
    );
    expect(lastLayer('-xOf', '-', 'x/note').toString()).toBe('"Hello" you\n');
  });

  test('pitfall 107: a file whose name begins with .wh. is refused, of the context and of an archive', async () => {
    mkdirSync(join(context, 'd'));
    writeFileSync(join(context, 'd/.wh.x'), '');
    const copy = await build('FROM scratch', 'COPY d /x');
    expect(copy.exitCode).not.toBe(0);
    expect(copy.stderr).toContain('its name begins with .wh.');
    expect(copy.stderr).toContain('"line":2');
    execFileSync('tar', ['-cf', join(context, 'a.tar'), '-C', join(context, 'd'), '.wh.x']);
    expect((await build('FROM scratch', 'ADD a.tar /x')).stderr).toContain('its name begins with .wh.');
  });

  test('CVE-2026-17106: an archive writes into the layer only, below its destination', async () => {
    const canary = join(root, 'canary');
    writeFileSync(canary, 'alive');
    const up = '../'.repeat(20);
    const tar = await layerTar(
      symlink('l', root),
      symlink('u', up + root.slice(1)),
      file('l/canary', 'dead'),
      file('u/canary', 'dead'),
    );
    writeFileSync(join(context, 'evil.tar.gz'), gzipSync(tar));
    expect((await build('FROM scratch', 'ADD evil.tar.gz /in/')).exitCode).toBe(0);
    expect(readFileSync(canary, 'utf8'), 'THE CANARY IS DEAD').toBe('alive');
    expect(listing().every((path) => path.startsWith('"in/'))).toBe(true);
  });

  test('CVE-2026-41567: no program is run to decompress, wherever one is found', async () => {
    const bin = join(context, 'bin');
    mkdirSync(bin);
    const touched = join(root, 'touched');
    for (const name of ['xz', 'gzip', 'unpigz', 'bzip2', 'zstd']) {
      writeFileSync(join(bin, name), `#!/bin/sh\ntouch ${touched}\n`, { mode: 0o755 });
    }
    writeFileSync(join(context, 'a.tgz'), gzipSync(await layerTar(file('f'))));
    writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nADD a.tgz /\nADD bin /bin/\n');
    const path = `${bin}:${process.env['PATH'] ?? ''}`;
    const { exitCode } = await tsbuild(['build', '-q', context], { env: { ...env, PATH: path } });
    expect(exitCode).toBe(0);
    expect(statSync(touched, { throwIfNoEntry: false })).toBeUndefined();
  });
});

describe('the cache', () => {
  test('pitfall 109: a file that was only touched is found, a mode that changed is not', async () => {
    writeFileSync(join(context, 'f'), 'F', { mode: 0o644 });
    const lines = ['FROM scratch', 'COPY f /f'];
    expect((await build(...lines)).steps).toEqual(['done']);
    utimesSync(join(context, 'f'), 1, 1);
    expect((await build(...lines)).steps).toEqual(['cached']);
    chmodSync(join(context, 'f'), 0o600);
    expect((await build(...lines)).steps).toEqual(['done']);
  });

  test('pitfall 111: destination, owner, mode and flags count', async () => {
    mkdirSync(join(context, 'd'));
    writeFileSync(join(context, 'd/f'), 'F');
    for (const line of [
      'COPY d /one',
      'COPY d /two',
      'COPY --chown=1 d /one',
      'COPY --chmod=600 d /one',
      'COPY --chmod=u=rw,go= d /one',
      'COPY --link d /one',
      'COPY --exclude=nothing d /one',
      'COPY --parents d /one',
      'ADD d /one',
    ]) {
      expect([line, (await build('FROM scratch', line)).steps]).toEqual([line, ['done']]);
      expect([line, (await build('FROM scratch', line)).steps]).toEqual([line, ['cached']]);
    }
  });

  test('pitfall 94: what is excluded does not count', async () => {
    mkdirSync(join(context, 'd'));
    writeFileSync(join(context, 'd/f'), 'F');
    writeFileSync(join(context, 'd/log'), '1');
    const lines = ['FROM scratch', 'COPY --exclude=log d /cache-exclude'];
    expect((await build(...lines)).steps).toEqual(['done']);
    writeFileSync(join(context, 'd/log'), '2');
    expect((await build(...lines)).steps).toEqual(['cached']);
  });

  test('pitfall 81: a layer by --link is found whatever is below it', async () => {
    writeFileSync(join(context, 'f'), 'linked');
    writeFileSync(join(context, 'g'), 'one');
    expect((await build('FROM scratch', 'COPY g /g', 'COPY --link f /f')).steps).toEqual(['done', 'done']);
    writeFileSync(join(context, 'g'), 'two');
    expect((await build('FROM scratch', 'COPY g /g', 'COPY --link f /f')).steps).toEqual(['done', 'cached']);
  });

  test('a heredoc counts by its content', async () => {
    const lines = (text: string) => ['FROM scratch', 'COPY <<f /heredoc', text, 'f'];
    expect((await build(...lines('one'))).steps).toEqual(['done']);
    expect((await build(...lines('one'))).steps).toEqual(['cached']);
    expect((await build(...lines('two'))).steps).toEqual(['done']);
  });
});

test('an archive of any size passes through little memory', { timeout: 120_000 }, async () => {
  // 400 MB in one file, most of it a hole: the tar is made of it on the way.
  const big = join(context, 'big');
  writeFileSync(big, 'start');
  truncateSync(big, 400_000_000);
  const tar = join(context, 'a.tar.gz');
  execFileSync('tar', ['-cf', `${tar}.plain`, '-C', context, 'big']);
  await pipeline(createReadStream(`${tar}.plain`), createGzip({ level: 1 }), createWriteStream(tar));
  rmSync(big);
  rmSync(`${tar}.plain`);
  writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nADD a.tar.gz /\n');
  const script = `process.argv.splice(1, 0, 'node');
    process.on('exit', () => require('fs').writeSync(2, 'peak ' + process.resourceUsage().maxRSS));
    require(${JSON.stringify(CLI)});`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', script, 'build', '-q', context], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  expect(Number(/peak (\d+)/.exec(stderr)?.[1])).toBeLessThan(250_000);
});
