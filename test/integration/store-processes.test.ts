import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BlobInfo } from '../../src/store/blob-store.js';
import { collectGarbage } from '../../src/store/garbage/collect.js';
import { openStore, type OpenStore } from '../../src/store/open-store.js';
import { requirement } from '../support/require.js';
import { ingestBytes, putSampleImage } from '../support/sample-images.js';
import { hasTools } from '../support/tools.js';

const CHILD = fileURLToPath(new URL('../support/store-child.mjs', import.meta.url));

let root: string;
let store: OpenStore;
const children: ChildProcess[] = [];
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'store-processes-'));
  store = await openStore(root);
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  store[Symbol.dispose]();
  rmSync(root, { recursive: true });
});

interface Running {
  readonly child: ChildProcess;
  /** The next line it says, or `undefined` at its end. */
  readonly next: () => Promise<unknown>;
}

function start(...args: readonly string[]): Running {
  const child = spawn(process.execPath, [CHILD, root, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const { done, value } = await lines.next();
    return done === true ? undefined : JSON.parse(value);
  };
  return { child, next };
}

async function until(running: Running, word: string): Promise<void> {
  for (let line = await running.next(); line !== word; line = await running.next()) expect(line).toBeDefined();
}

async function kill({ child }: Running): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

const blobs = (): readonly string[] => readdirSync(join(root, 'blobs/sha256'));
const temporary = (): readonly string[] => readdirSync(join(root, 'tmp'));

test('a process killed while it stores leaves no blob, and the next one to store cleans up', async () => {
  const running = start('hang', '5');
  await until(running, 'hanging');
  expect(temporary()).toHaveLength(1);
  const blob = await ingestBytes(store.blobs, Buffer.from('from a living one'));
  expect(temporary()).toHaveLength(2);
  await kill(running);
  expect(blobs()).toEqual([blob.digest.slice(7)]);
  const next = await openStore(root);
  await ingestBytes(next.blobs, Buffer.from('more'));
  expect(temporary()).toHaveLength(2);
  next[Symbol.dispose]();
  store[Symbol.dispose]();
  expect(temporary()).toEqual([]);
});

test('killed at any moment, a process leaves whole blobs only, and the next one finishes the work', async () => {
  for (const delayMs of [0, 2, 5, 10, 20, 40]) {
    const running = start('ingest', '24');
    await until(running, 'under way');
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await kill(running);
    for await (const blob of store.blobs.list()) expect((await store.blobs.read(blob)).length).toBe(24 << 20);
  }
  const last = start('ingest', '24');
  await until(last, 'under way');
  const blob = (await last.next()) as BlobInfo;
  expect((await store.blobs.read(blob)).length).toBe(24 << 20);
  expect(blobs()).toEqual([blob.digest.slice(7)]);
});

test('processes that store the same at once all succeed', async () => {
  const running = Array.from({ length: 4 }, () => start('ingest', '8'));
  const infos = await Promise.all(
    running.map(async (each) => {
      await until(each, 'under way');
      return await each.next();
    }),
  );
  expect(new Set(infos.map((info) => JSON.stringify(info))).size).toBe(1);
  expect(blobs()).toHaveLength(1);
  await store.blobs.read(infos[0] as BlobInfo);
});

test('a collection spares what another living process has added, until that process is gone', async () => {
  const old = await ingestBytes(store.blobs, Buffer.from('before'));
  const running = start('add-and-wait');
  await until(running, 'under way');
  const added = (await running.next()) as BlobInfo;
  const keepRecord = (): readonly never[] => [];
  expect((await collectGarbage({ store, keepRecord })).deleted).toEqual([old.digest]);
  await kill(running);
  expect((await collectGarbage({ store, keepRecord })).deleted).toEqual([added.digest]);
});

const mounts = requirement(
  'root',
  process.getuid?.() === 0 && hasTools('unshare', 'mount'),
  'mounting a small disk needs root',
);
/** The last thing that a child says, started by a script that mounts something at `$1` for it alone. */
async function mounted(script: string, directory: string): Promise<unknown> {
  const args = ['-m', 'sh', '-c', script, 'sh', directory, process.execPath, CHILD];
  const { stdout } = await promisify(execFile)('unshare', args);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as unknown;
}

describe.skipIf(mounts.skip)(mounts.skip ? `on other file systems (${mounts.reason})` : 'on other file systems', () => {
  test('one that forbids programs serves where an overlay hides that, and says so where not', async () => {
    const script = 'mount -t tmpfs -o noexec none "$1" && exec "$2" "$3" "$1" place';
    expect(await mounted(script, join(root, 'snapshots'))).toEqual([
      'fits',
      expect.stringMatching(/^cannot unpack layers in store ".*": its file system \(tmpfs\) lets nobody run programs/),
    ]);
  });

  test('one that may only be read shows its images, and says why nothing can be added', async () => {
    await putSampleImage(store, [], 'x:1');
    const script = 'mount --bind -o ro "$1" "$1" && exec "$2" "$3" "$1" read-only';
    const outcome = (await mounted(script, root)) as { readonly message: string };
    expect(outcome).toMatchObject({ images: 1, code: 'STORE_IO' });
    expect(outcome.message).toMatch(/read-only$/);
  });
});

describe.skipIf(mounts.skip)(mounts.skip ? `on a full disk (${mounts.reason})` : 'on a full disk', () => {
  test('storing says whose disk is full and how full, and frees what it had taken', async () => {
    const script = 'mount -t tmpfs -o size=8m none "$1" && exec "$2" "$3" "$1" fill 20';
    const directory = join(root, 'snapshots');
    const outcome = (await mounted(script, directory)) as Record<string, unknown>;
    expect(outcome).toMatchObject({ code: 'DISK_FULL', blobs: [], unfinished: ['lock'] });
    expect(outcome['message']).toContain(directory);
    expect(outcome['free']).toBeGreaterThan(7 << 20);
  });
});
