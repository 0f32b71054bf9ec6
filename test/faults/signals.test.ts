import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Script } from '../../src/testing/exchange.js';
import { startScriptedRegistry, type ScriptedRegistry } from '../../src/testing/scripted-registry.js';
import { expectNobodyLeft } from '../support/faults/aftermath.js';
import { FULL } from '../support/faults/sweep.js';
import { environmentOf, must, placeAt, pushApp, putApp, type Place } from '../support/faults/workload.js';
import { requirement } from '../support/require.js';
import { expectSoundStore } from '../support/store-oracle.js';
import { CLI } from '../support/tsbuild.js';

let folder: string;
let registry: ScriptedRegistry;
let place: Place;
let script: Script | undefined;
beforeEach(async () => {
  script = undefined;
  folder = mkdtempSync(join(tmpdir(), 'tsbuild-signals-'));
  registry = await startScriptedRegistry((request) => script?.(request));
  place = placeAt(folder, registry);
  mkdirSync(place.work);
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface Running {
  readonly child: ReturnType<typeof spawn>;
  readonly output: () => string;
  /** Its status, and milliseconds since the call. */
  readonly end: () => Promise<{ readonly status: number | null; readonly took: number }>;
}

function start(args: readonly string[], stdin: 'ignore' | 'pipe' = 'ignore'): Running {
  const env = { PATH: process.env['PATH'] ?? '', ...environmentOf(place) };
  const child = spawn(process.execPath, [CLI, ...args], { cwd: place.work, env, stdio: [stdin, 'pipe', 'pipe'] });
  let output = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return {
    child,
    output: () => output,
    end: async () => {
      const started = Date.now();
      const late = sleep(10_000).then(() => {
        child.kill('SIGKILL');
        return null;
      });
      return { status: await Promise.race([ended, late]), took: Date.now() - started };
    },
  };
}

async function until(what: () => boolean): Promise<void> {
  for (let waited = 0; !what(); waited += 20) {
    if (waited > 20_000) throw new Error('it does not come to that');
    await sleep(20);
  }
}

/** proc(5): whether the process has a handler for SIGHUP, which Node has none for by itself. Before, no signal meets tsbuild. */
function isReady({ child }: Running): boolean {
  const [, caught = '0'] = /^SigCgt:\t([0-9a-f]+)$/m.exec(readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8')) ?? [];
  return (BigInt(`0x${caught}`) & 1n) !== 0n;
}

const asked = (method: string, path: string) => (): boolean =>
  registry.lines().some((line) => line.startsWith(method) && line.includes(path));

/** Gives the beginning of a blob, and then nothing. */
const stall: Script = ({ method, path }) => {
  const body =
    method === 'GET' && path.includes('/blobs/')
      ? registry.content.blobs.get(`app@${path.slice(path.lastIndexOf('/') + 1)}`)
      : undefined;
  return body === undefined ? undefined : { status: 200, body, stallAfter: Math.min(20, body.length - 1) };
};

interface Phase {
  readonly name: string;
  readonly begin: () => Promise<{ readonly running: Running; readonly reached: () => boolean }>;
}

const PHASES: readonly Phase[] = [
  {
    name: 'pull, before the registry has answered',
    begin: async () => {
      await pushApp(place);
      script = ({ path }) => (path.includes('/manifests/') ? 'hang' : undefined);
      const running = start(['pull', '-q', `${registry.host}/app:1`]);
      const before = registry.seen.length;
      return { running, reached: () => registry.seen.length > before };
    },
  },
  {
    name: 'pull, amid a layer',
    begin: async () => {
      await pushApp(place);
      script = stall;
      return { running: start(['pull', '-q', `${registry.host}/app:1`]), reached: asked('GET', '/blobs/') };
    },
  },
  {
    name: 'push, amid an upload',
    begin: async () => {
      await putApp(place);
      script = ({ method, path }) => (path.includes('/blobs/uploads/') && method !== 'POST' ? 'hang' : undefined);
      return { running: start(['push', '-q', `${registry.host}/app:1`]), reached: asked('P', '/uploads/') };
    },
  },
  {
    name: 'load, amid an archive on standard input',
    begin: async () => {
      const elsewhere = { ...place, store: join(folder, 'elsewhere') };
      await putApp(elsewhere, 'app');
      await must(elsewhere, 'save', '-q', 'app', '-o', 'app.tar');
      const running = start(['load', '-q'], 'pipe');
      running.child.stdin?.on('error', () => undefined);
      running.child.stdin?.write(readFileSync(join(place.work, 'app.tar')).subarray(0, 1500));
      return { running, reached: () => isReady(running) };
    },
  },
  {
    name: 'save, into a pipe that nobody opens',
    begin: async () => {
      await putApp(place, 'app');
      execFileSync('mkfifo', [join(place.work, 'pipe')]);
      const running = start(['save', '-q', 'app', '-o', 'pipe']);
      return { running, reached: () => isReady(running) };
    },
  },
];

const STATUS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Every phase with one of the signals, each signal twice or so: what differs between them is one number. */
const CASES = PHASES.map((phase, index) => ({
  ...phase,
  signal: (['SIGINT', 'SIGTERM', 'SIGHUP'] as const)[index % 3] ?? 'SIGINT',
}));

/** Milliseconds. Machines may be busy; without the signal none of them would end, until it is killed after ten seconds. */
const AT_ONCE = 5000;

async function expectCleanEnd(running: Running, status: number): Promise<void> {
  const end = await running.end();
  expect([end.status, end.took < AT_ONCE ? 'in time' : `after ${end.took} ms`, running.output()]).toEqual([
    status,
    'in time',
    expect.stringMatching(/^(.*\n)*cancelled\n$|^$/),
  ]);
  await expectNobodyLeft(folder);
  expectSoundStore(place.store);
  expect(readdirSync(join(place.store, 'tmp')).filter((name) => name !== 'partial')).toEqual([]);
  expect(readdirSync(place.work).filter((name) => name.endsWith('.partial'))).toEqual([]);
}

describe('cancelled', () => {
  test.each(CASES)('$name, by $signal, it ends at once and leaves nothing', async ({ begin, signal }) => {
    const { running, reached } = await begin();
    await until(() => isReady(running) && reached());
    // Some way into it.
    await sleep(200);
    running.child.kill(signal);
    await expectCleanEnd(running, STATUS[signal]);
  });
});

const sandbox = requirement('sandbox', true, 'builds need a sandbox');
describe.skipIf(sandbox.skip)('a build', () => {
  const building = async (): Promise<Running> => {
    await must(place, 'bootstrap', '-t', 'base', '--include', 'sleep');
    writeFileSync(join(place.work, 'Dockerfile'), 'FROM base\nRUN echo begun; sleep 100\n');
    const running = start(['build', '--progress=plain', '.']);
    await until(() => /begun\n/.test(running.output().replace(/^.*RUN.*$/gm, '')));
    return running;
  };

  test.each(FULL ? (['SIGINT', 'SIGTERM', 'SIGHUP'] as const) : (['SIGHUP'] as const))(
    'cancelled by %s amid a RUN leaves no process and no mount',
    async (signal) => {
      const running = await building();
      running.child.kill(signal);
      await expectCleanEnd(running, STATUS[signal]);
    },
  );

  test('killed amid a RUN leaves no process and no mount', async () => {
    const running = await building();
    running.child.kill('SIGKILL');
    await running.end();
    await expectNobodyLeft(folder);
    expectSoundStore(place.store);
  });
});

test('an archive whose reader goes away ends the command with the status of SIGPIPE', async () => {
  await putApp(place, 'app');
  const running = start(['save', '-q', 'app', '--compress', 'none']);
  running.child.stdout?.once('readable', () => running.child.stdout?.destroy());
  expect(await running.end()).toMatchObject({ status: 141 });
  await expectNobodyLeft(folder);
  expectSoundStore(place.store);
});
