import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applyLayer } from '../../src/layers/apply/apply-layer.js';
import { removeDirectory } from '../../src/layers/apply/remove-directory.js';
import { bytesOfText, type ByteString } from '../../src/support/byte-string.js';
import { isTsbuildError, systemErrorCode } from '../../src/support/errors.js';
import { RootedDirectories } from '../../src/support/rooted-path.js';
import { inChunks } from '../support/byte-source.js';
import { directory, file, hardlink, layerTar, symlink } from '../support/layer-entries.js';

// CVE-2018-15664 and its like (CVE-2024-11218, GHSA of node-tar 7.5.13): while we work below a root, somebody else swaps
// a directory of it for a link that leads out, over and over.

const ownership = process.getuid?.() === 0 ? 'real' : 'recorded';

let folder: string;
let root: string;
let outside: string;
let racer: Racer;
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'race-'));
  root = path.join(folder, 'root');
  outside = path.join(folder, 'outside');
  mkdirSync(path.join(root, 'd/e/d'), { recursive: true });
  mkdirSync(path.join(outside, 'e/d'), { recursive: true });
  writeFileSync(path.join(outside, 'canary'), 'alive', { mode: 0o640 });
  writeFileSync(path.join(outside, 'e/canary'), 'alive', { mode: 0o640 });
  for (const name of ['secret', 'e/secret', 'e/d/secret']) writeFileSync(path.join(outside, name), '');
  for (const name of ['canary', 'e/canary', 'e/d', 'e', '.']) utimesSync(path.join(outside, name), 77, 77);
  racer = await startRacer();
});
afterEach(async () => {
  await racer.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Racer {
  readonly stop: () => Promise<void>;
}

/** A thread that makes `d` and `d/e` links to their counterparts outside, and directories again, without rest. */
async function startRacer(): Promise<Racer> {
  const stopped = new Int32Array(new SharedArrayBuffer(4));
  const code = `
    const fs = require('node:fs');
    let count = 0;
    const { workerData: { root, outside, graves, stopped }, parentPort } = require('node:worker_threads');
    const attempt = (step) => { try { step(); } catch {} };
    // What is there goes away by its own name, be it a link by now, and something new takes its place: nothing is ever followed, so
    // that this thread does outside what the one that it races against must not.
    const discard = (name) => attempt(() => fs.renameSync(root + '/' + name, graves + '/' + count++));
    const swap = (name, target, content) => {
      const fresh = graves + '/' + count++;
      fs.mkdirSync(fresh + content, { recursive: true });
      discard(name);
      attempt(() => fs.symlinkSync(target, root + '/' + name));
      discard(name);
      attempt(() => fs.renameSync(fresh, root + '/' + name));
    };
    parentPort.postMessage('started');
    while (Atomics.load(stopped, 0) === 0) {
      swap('d', outside, '/e/d');
      swap('d/e', outside + '/e', '/d');
    }
  `;
  const graves = path.join(folder, 'graves');
  mkdirSync(graves);
  const worker = new Worker(code, { eval: true, workerData: { root, outside, graves, stopped } });
  const ended = new Promise<void>((resolve) =>
    worker.once('exit', () => {
      resolve();
    }),
  );
  await new Promise((resolve) => worker.once('message', resolve));
  return {
    stop: async () => {
      Atomics.store(stopped, 0, 1);
      await ended;
    },
  };
}

/** Whatever happens to it is the business of whoever swaps: a system error, or a layer that is refused. */
function attempt(step: () => void): 'done' | 'failed' {
  try {
    step();
    return 'done';
  } catch (error) {
    if (systemErrorCode(error) === undefined && !isTsbuildError(error)) throw error;
    return 'failed';
  }
}

function assertCanaryLives(): void {
  for (const name of ['canary', 'e/canary']) {
    const { mode, mtimeMs, nlink } = lstatSync(path.join(outside, name));
    const content = readFileSync(path.join(outside, name), 'utf8');
    const canary = { content, mode: mode & 0o7777, mtimeMs, nlink };
    expect(canary, 'THE CANARY IS DEAD').toEqual({ content: 'alive', mode: 0o640, mtimeMs: 77_000, nlink: 1 });
  }
  const found = ['.', 'e', 'e/d'].map((name) => readdirSync(path.join(outside, name)).sort());
  expect(found, 'SOMETHING WAS WRITTEN OUTSIDE').toEqual([
    ['canary', 'e', 'secret'],
    ['canary', 'd', 'secret'],
    ['secret'],
  ]);
  expect(lstatSync(path.join(outside, 'e')).mtimeMs, 'A FOLDER OUTSIDE WAS TOUCHED').toBe(77_000);
}

const DIRECTORIES = ['d', 'd/e', 'd/e/d'] as const;
type Step = (directories: RootedDirectories, place: ByteString, name: ByteString) => void;
const onChild =
  (act: (host: ByteString) => void): Step =>
  (directories, place, name) => {
    act(directories.child(place, name));
  };
const STEPS: Readonly<Record<string, Step>> = {
  write: onChild((host) => {
    writeFileSync(host, 'evil', { flag: 'wx' });
  }),
  make: onChild((host) => {
    mkdirSync(host);
  }),
  link: onChild((host) => {
    symlinkSync(outside, host);
  }),
  unlink: onChild((host) => {
    unlinkSync(host);
  }),
  remove: (directories, place, name) => {
    removeDirectory(directories, [place, name]);
  },
  list: (directories, place) => {
    const names = readdirSync(directories.self(place));
    expect(names, 'A FOLDER OUTSIDE WAS LISTED').not.toContain('secret');
  },
};

describe.each([true, false])('CVE-2018-15664: directories below a root, with openat2: %s', (openat2) => {
  test('are never others than those of the root, whoever swaps them for links meanwhile', { timeout: 60_000 }, () => {
    const outcomes = { done: 0, failed: 0 };
    const step = fc.tuple(
      fc.constantFrom(...DIRECTORIES),
      fc.constantFrom('canary', 'new', 'e'),
      fc.constantFrom(...Object.keys(STEPS)),
    );
    const run = (steps: readonly (readonly [string, string, string])[]): void => {
      using directories = new RootedDirectories(root, { openat2 });
      for (const [place, name, kind] of steps) {
        const outcome = attempt(() => STEPS[kind]?.(directories, bytesOfText(place), bytesOfText(name)));
        outcomes[outcome] += 1;
        if (outcome === 'failed') directories.forget();
      }
    };
    const started = performance.now();
    do fc.assert(fc.property(fc.array(step, { maxLength: 12 }), run), { numRuns: 200 });
    while (
      // Until the race has been won and lost: then it was one.
      Math.min(outcomes.done, outcomes.failed) < 20 &&
      performance.now() - started < 50_000
    );
    expect(Math.min(outcomes.done, outcomes.failed)).toBeGreaterThanOrEqual(20);
    assertCanaryLives();
  });
});

describe('CVE-2018-15664: a layer', () => {
  test(
    'is unpacked in its root, whoever swaps directories of it for links meanwhile',
    { timeout: 60_000 },
    async () => {
      const entries = DIRECTORIES.flatMap((name) => [
        directory(name, { mode: 0o4777 }),
        file(`${name}/canary`, 'evil', { mode: 0o4777 }),
        symlink(`${name}/link`, outside),
        hardlink(`${name}/hard`, 'd/e/canary'),
        directory(`${name}/full/of`),
        file(`${name}/full/of/files`),
        file(`${name}/full`),
        directory(`${name}/made`, { mtime: { seconds: 5, nanoseconds: 5 } }),
      ]);
      const layer = await layerTar(...entries);
      const target = { root: bytesOfText(root), ownership, overlay: null } as const;
      const outcomes = { done: 0, failed: 0 };
      const started = performance.now();
      const elapsed = (): number => performance.now() - started;
      while (elapsed() < 500 || (outcomes.failed < 5 && elapsed() < 50_000)) {
        try {
          await applyLayer(inChunks(layer), { ...target, owners: new Map() });
          outcomes.done += 1;
        } catch (error) {
          if (!isTsbuildError(error)) throw error;
          outcomes.failed += 1;
        }
      }
      assertCanaryLives();
      expect(outcomes.failed).toBeGreaterThan(0);
    },
  );

  test('would be written outside by paths that are only looked at first', { timeout: 60_000 }, () => {
    // What shows that the races above are races.
    const started = performance.now();
    const canary = path.join(outside, 'escaped');
    while (performance.now() - started < 50_000 && !readdirSync(outside).includes('escaped')) {
      attempt(() => {
        if (lstatSync(path.join(root, 'd')).isDirectory()) writeFileSync(path.join(root, 'd/escaped'), '');
      });
    }
    expect(readFileSync(canary, 'utf8')).toBe('');
  });
});
