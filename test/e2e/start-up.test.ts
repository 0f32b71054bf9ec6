import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

// What a start loads and opens, counted and not timed; and the caches that its code comes from. `npm run build` makes the bundle.
const bin = fileURLToPath(new URL('../../dist/bin/', import.meta.url));
const isRoot = process.geteuid?.() === 0;
/** Somebody who is not root, and owns nothing here. */
const ORDINARY = 65534;

let folder: string;
beforeAll(() => {
  if (!existsSync(join(bin, 'tsbuild.js'))) throw new Error('dist/bin/tsbuild.js is missing: run npm run build first');
  folder = mkdtempSync(join(tmpdir(), 'tsbuild-start-up-'));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'facts.cjs'), FACTS);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Begins the program that it is given: notes the files that are read at once, and what of Node is there at the end. */
const FACTS = `
const fs = require('fs');
const { readFileSync } = fs;
const read = [];
fs.readFileSync = (file, ...rest) => {
  read.push(typeof file === 'number' ? fs.readlinkSync('/proc/self/fd/' + file) : String(file));
  return readFileSync(file, ...rest);
};
process.on('exit', () => fs.writeFileSync(process.env.FACTS_FILE, JSON.stringify({ read, loaded: process.moduleLoadList })));
process.argv.splice(1, 1);
require(process.argv[1]);
`;

interface Facts {
  readonly status: number | null;
  readonly output: string;
  /** The packs of our code that were read, and their size. */
  readonly packs: readonly string[];
  readonly bytes: number;
  /** What of Node an empty program does not load. */
  readonly modules: readonly string[];
}

/** What is written goes to a file, or to the sockets that Node has for pipes. */
function start(words: readonly string[], to: 'file' | 'pipe' = 'file'): Facts {
  const factsFile = join(folder, 'facts.json');
  const outputFile = join(folder, 'output');
  const output = openSync(outputFile, 'w');
  const env = { ...process.env, FACTS_FILE: factsFile };
  const { status, stderr } = spawnSync(process.execPath, [join(folder, 'facts.cjs'), ...words], {
    cwd: folder,
    env,
    encoding: 'utf8',
    stdio: to === 'pipe' ? ['ignore', 'pipe', 'pipe'] : ['ignore', output, output],
  });
  closeSync(output);
  const { read, loaded } = JSON.parse(readFileSync(factsFile, 'utf8')) as { read: string[]; loaded: string[] };
  const packs = read.filter((file) => dirname(file) === dirname(join(bin, 'x')) && file.endsWith('.js'));
  const ours = packs.filter((file) => basename(file) !== 'tsbuild.js');
  return {
    status,
    output: to === 'pipe' ? stderr : readFileSync(outputFile, 'utf8'),
    packs: ours.map((file) => basename(file, '.js')),
    bytes: ours.reduce((sum, file) => sum + statSync(file).size, 0),
    modules: loaded,
  };
}

const tsbuild = (...words: readonly string[]): Facts => start([join(bin, 'tsbuild.js'), ...words]);

const writtenAt = (file: string): bigint => statSync(file, { bigint: true }).mtimeNs;

/** What could reach a network. */
const NETWORK =
  /^(NativeModule (net|tls|dns|dgram|http|https|http2|_http_\w+|_tls_\w+)|Internal Binding (tcp_wrap|udp_wrap|cares_wrap|tls_wrap))$/;

/** What `process.stdout` is made of, and `node:crypto` as well. */
const STREAMS = /^NativeModule (stream|stream\/promises|internal\/streams\/[\w-]+|tty)$/;

describe('what a start loads', () => {
  let empty: ReadonlySet<string>;
  beforeAll(() => {
    writeFileSync(join(folder, 'empty.js'), '');
    empty = new Set(start([join(folder, 'empty.js')]).modules);
  });
  const added = ({ modules }: Facts): readonly string[] => modules.filter((name) => !empty.has(name));

  // Budgets, with some room. Who needs more asks first whether it can wait for import().
  test.each([
    ['--version', ['--version'], 0],
    ['--help', ['--help'], 0],
    ['the help of a command', ['build', '--help'], 0],
    ['an unknown command', ['bild'], 2],
    ['an unknown option', ['build', '--nosuch', '.'], 2],
  ])('%s needs one pack of code, and little of Node', (_, words, status) => {
    const facts = tsbuild(...words);
    expect([facts.status, facts.packs]).toEqual([status, ['start']]);
    expect(facts.bytes).toBeLessThan(90_000);
    expect(added(facts).length).toBeLessThanOrEqual(8);
    expect(added(facts).filter((name) => NETWORK.test(name) || STREAMS.test(name))).toEqual([]);
  });

  test('a build that finds all in its cache needs two packs, no parser, no stream, no thread, no process and no network', () => {
    const context = join(folder, 'context');
    mkdirSync(context);
    writeFileSync(join(context, 'file'), 'content');
    writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nWORKDIR /app\nCOPY file .\nLABEL kind=warm\n');
    const words = ['--store', join(folder, 'store'), 'build', '--progress', 'plain', '-t', 'warm', context];
    expect(tsbuild(...words).status).toBe(0);
    const facts = tsbuild(...words);
    expect(facts.output).toMatch(/\(3 steps: 3 cached, 0 built\)/);
    expect([facts.status, facts.packs]).toEqual([0, ['start', 'build']]);
    expect(facts.bytes).toBeLessThan(650_000);
    expect(added(facts).length).toBeLessThanOrEqual(8);
    const heavy = /^NativeModule (worker_threads|child_process|zlib|crypto|fs\/promises|vm\/|readline)$/;
    const isHeavy = (name: string): boolean => [NETWORK, STREAMS, heavy].some((some) => some.test(name));
    expect(added(facts).filter(isHeavy)).toEqual([]);
    expect(facts.modules.filter((name) => name.includes('koffi'))).toEqual([]);
    const piped = start([join(bin, 'tsbuild.js'), ...words], 'pipe');
    expect(piped.output).toMatch(/\(3 steps: 3 cached, 0 built\)/);
    expect(added(piped)).toEqual(added(facts));
  });
});

describe('the code caches', () => {
  const CACHE = /^start\.[0-9a-f]{16}\.v\d+\.\d+\.\d+-\w+\.cache$/;
  let copy: string;
  let home: string;
  beforeEach(() => {
    const place = mkdtempSync(join(folder, 'installed-'));
    chmodSync(place, 0o755);
    copy = join(place, 'bin');
    home = join(place, 'home');
    mkdirSync(home);
    mkdirSync(copy);
    for (const name of ['tsbuild.js', 'start.js', 'package.json']) cpSync(join(bin, name), join(copy, name));
  });

  function run(options: { readonly uid?: number; readonly env?: Record<string, string> } = {}): string {
    const { NODE_OPTIONS: _, XDG_CACHE_HOME: __, ...inherited } = process.env;
    const { uid, env } = options;
    const { stdout, stderr, status } = spawnSync(process.execPath, [join(copy, 'tsbuild.js'), '--version'], {
      cwd: '/',
      env: { ...inherited, HOME: home, ...env },
      encoding: 'utf8',
      ...(uid !== undefined && { uid, gid: uid }),
    });
    expect([status, stderr]).toEqual([0, '']);
    return stdout;
  }
  const caches = (at = copy): readonly string[] => readdirSync(at).filter((name) => name.endsWith('.cache'));
  const cacheFile = (): string => join(copy, caches()[0] ?? 'none');

  test('lie beside the packs, are collected from three runs, and then only read', () => {
    const times = [1, 2, 3, 4, 5].map(() => {
      run();
      expect(caches()).toEqual([expect.stringMatching(CACHE)]);
      return writtenAt(cacheFile());
    });
    expect(new Set(times.slice(0, 3)).size).toBe(3);
    expect(new Set(times.slice(2)).size).toBe(1);
    expect(existsSync(join(home, '.cache'))).toBe(false);
  });

  test.each([
    [
      'is empty',
      (file: string) => {
        writeFileSync(file, '');
      },
    ],
    [
      'was cut',
      (file: string) => {
        truncateSync(file, 40_000);
      },
    ],
    [
      'is something else',
      (file: string) => {
        writeFileSync(file, 'x'.repeat(100_000));
      },
    ],
  ])('are made anew where one %s', (_, damage) => {
    const version = run();
    damage(cacheFile());
    const damaged = readFileSync(cacheFile());
    expect(run()).toBe(version);
    expect(readFileSync(cacheFile()).equals(damaged)).toBe(false);
    expect(caches()).toHaveLength(1);
  });

  test('and code of another bundle are never mixed', () => {
    run();
    const pack = join(copy, 'start.js');
    writeFileSync(pack, readFileSync(pack, 'utf8').replace(/[0-9a-f]{16}/, '0123456789abcdef'));
    const { status, stderr } = spawnSync(process.execPath, [join(copy, 'tsbuild.js'), '--version'], {
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toContain('this installation of tsbuild was replaced while it ran: start it again');
  });

  test('are others under other flags of V8', () => {
    run();
    const before = writtenAt(cacheFile());
    const flags = { NODE_OPTIONS: '--max-old-space-size=1000' };
    const times = [1, 2, 3, 4].map(() => {
      run({ env: flags });
      const [other] = caches().filter((name) => !CACHE.test(name));
      return writtenAt(join(copy, other ?? 'none'));
    });
    expect(caches()).toHaveLength(2);
    expect(times[3]).toBe(times[2]);
    expect(writtenAt(join(copy, caches().find((name) => CACHE.test(name)) ?? 'none'))).toBe(before);
  });

  describe('where the package may not be written to', () => {
    // Root may write everywhere.
    const who = isRoot ? { uid: ORDINARY } : {};
    const own = (): string => join(home, '.cache', 'tsbuild');
    const ownFile = (): string => join(own(), caches(own())[0] ?? 'none');
    beforeEach(() => {
      chmodSync(copy, 0o555);
      if (isRoot) chownSync(home, ORDINARY, ORDINARY);
    });
    afterEach(() => {
      chmodSync(copy, 0o755);
    });

    test('lie in a folder that is the user’s alone, and serve from there', () => {
      const times = [1, 2, 3, 4].map(() => {
        run(who);
        return writtenAt(ownFile());
      });
      expect(caches(own())).toEqual([expect.stringMatching(CACHE)]);
      expect(statSync(own()).mode & 0o777).toBe(0o700);
      expect(times[3]).toBe(times[2]);
      expect(caches()).toEqual([]);
    });

    test('are not believed when somebody else could have written them', () => {
      for (let count = 0; count < 3; count += 1) run(who);
      const before = writtenAt(ownFile());
      chmodSync(ownFile(), 0o666);
      run(who);
      expect(writtenAt(ownFile())).not.toBe(before);
      expect(statSync(ownFile()).mode & 0o777).toBe(0o644);
    });

    test('of versions that are gone are removed after a month', () => {
      run(who);
      const old = join(own(), 'start.0123456789abcdef.v20.17.0-x64.cache');
      const recent = join(own(), 'start.fedcba9876543210.v20.17.0-x64.cache');
      for (const file of [old, recent]) cpSync(ownFile(), file);
      const daysAgo = (days: number): number => Date.now() / 1000 - days * 24 * 60 * 60;
      utimesSync(old, daysAgo(31), daysAgo(31));
      utimesSync(recent, daysAgo(29), daysAgo(29));
      run(who);
      expect([existsSync(old), existsSync(recent)]).toEqual([false, true]);
    });

    test('are done without where there is no place for them', () => {
      expect(run({ ...who, env: { HOME: join(home, 'nosuch', 'folder') } })).toMatch(/^tsbuild /);
      expect(run({ ...who, env: { HOME: '' } })).toMatch(/^tsbuild /);
      const closed = join(home, 'closed');
      mkdirSync(closed, { mode: 0 });
      expect(run({ ...who, env: { HOME: closed } })).toMatch(/^tsbuild /);
      expect(caches()).toEqual([]);
    });
  });
});
