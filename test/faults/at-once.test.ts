import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startScriptedRegistry, type ScriptedRegistry } from '../../src/testing/scripted-registry.js';
import { collectGarbage } from '../../src/store/garbage/collect.js';
import { isDigest, type Digest } from '../../src/oci/digest.js';
import { openStore } from '../../src/store/open-store.js';
import { expectNobodyLeft } from '../support/faults/aftermath.js';
import { FULL } from '../support/faults/sweep.js';
import { environmentOf, must, placeAt, pushApp, type Place } from '../support/faults/workload.js';
import { requirement } from '../support/require.js';
import { expectSoundStore } from '../support/store-oracle.js';
import { CLI, tsbuild } from '../support/tsbuild.js';

const WAITING = 'note: waiting for another process that cleans up the store\n';
const SEED = Number(process.env['TSBUILD_FAULTS_SEED'] ?? 1);

/** Numbers below `bound` that are the same for the same seed (a linear congruential generator, Numerical Recipes). */
function createRandom(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

let folder: string;
let registry: ScriptedRegistry;
let place: Place;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsbuild-at-once-'));
  registry = await startScriptedRegistry();
  place = placeAt(folder, registry);
  mkdirSync(place.work);
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** @returns its status; `null` when it was killed */
function run(args: readonly string[], killAfterMs?: number): Promise<{ status: number | null; stderr: string }> {
  const env = { PATH: process.env['PATH'] ?? '', ...environmentOf(place) };
  const child = spawn(process.execPath, [CLI, ...args], { cwd: place.work, env, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const killer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  return new Promise((resolve) => {
    child.once('close', (status) => {
      clearTimeout(killer);
      resolve({ status, stderr });
    });
  });
}

const mentionedIn = (record: unknown): readonly Digest[] =>
  [...JSON.stringify(record).matchAll(/sha256:[0-9a-f]{64}/g)].map(([word]) => word).filter(isDigest);

async function collectUntil(done: () => boolean): Promise<number> {
  using store = await openStore(place.store);
  for (let count = 0; ; count++) {
    if (done()) return count;
    await collectGarbage({ store, keepRecord: mentionedIn });
    await sleep(20);
  }
}

describe(`pulls of the same (seed ${SEED})`, () => {
  test(
    'killed at random moments, one after another, leave a sound store, and the last one succeeds',
    { timeout: 600_000 },
    async () => {
      await pushApp(place);
      const random = createRandom(SEED);
      for (let round = 0; round < (FULL ? 150 : 4); round++) {
        const after = 20 + random(250);
        await run(['pull', '-q', `${registry.host}/app:1`], after);
        expect(() => expectSoundStore(place.store), `round ${round}, killed after ${after} ms`).not.toThrow();
        if (round % 5 === 4) rmSync(place.store, { recursive: true, force: true });
      }
      expect(await run(['pull', '-q', `${registry.host}/app:1`])).toEqual({ status: 0, stderr: '' });
      await expectNobodyLeft(folder);
      expectSoundStore(place.store, { settled: true });
    },
  );

  test('beside a collection that never rests, all succeed', { timeout: 300_000 }, async () => {
    await pushApp(place);
    let working = true;
    const collecting = collectUntil(() => !working);
    for (let round = 0; round < (FULL ? 20 : 1); round++) {
      const results = await Promise.all([
        run(['pull', '-q', `${registry.host}/app:1`]),
        run(['pull', '-q', `${registry.host}/app:1`]),
      ]);
      expect(results.map(({ stderr }) => stderr.replace(WAITING, ''))).toEqual(['', '']);
      expect(await run(['rmi', `${registry.host}/app:1`])).toEqual({ status: 0, stderr: '' });
    }
    working = false;
    expect(await collecting).toBeGreaterThan(0);
    expectSoundStore(place.store);
  });
});

const sandbox = requirement('sandbox', true, 'builds need a sandbox');
describe.skipIf(sandbox.skip)(`builds of the same (seed ${SEED})`, () => {
  test('of which some are killed: the others give one image', { timeout: 600_000 }, async () => {
    const random = createRandom(SEED);
    await must(place, 'bootstrap', '-t', 'base');
    writeFileSync(join(place.work, 'Dockerfile'), 'FROM base\nRUN echo made > /made\nRUN echo more > /more\n');
    const count = FULL ? 16 : 4;
    const builds = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        run(['build', '-q', '--iidfile', `id${index}`, '.'], index % 4 === 3 ? 100 + random(1500) : undefined),
      ),
    );
    const survivors = builds.flatMap(({ status, stderr }, index) =>
      index % 4 === 3 && status !== 0 ? [] : [{ status, stderr, index }],
    );
    expect(survivors.map(({ stderr }) => stderr)).toEqual(survivors.map(() => ''));
    const ids = survivors.map(({ index }) => readFileSync(join(place.work, `id${index}`), 'utf8'));
    expect([...new Set(ids)]).toEqual([expect.stringMatching(/^sha256:/)]);
    await expectNobodyLeft(folder);
    const again = await tsbuild(['build', '-q', '.'], { env: environmentOf(place), cwd: place.work });
    expect(again.stdout.trim()).toBe(ids[0]);
    expectSoundStore(place.store);
  });
});
