import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  acquireFileLock,
  acquireTransientLock,
  tryFileLock,
  underFileLock,
  underFileLockSync,
} from '../../../src/support/file-lock.js';
import { requirement } from '../../support/require.js';
import { hasTools } from '../../support/tools.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'file-lock-'));
  path = join(folder, 'lock');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('one exclusive lock, or any number of shared ones', () => {
  const first = tryFileLock(path, 'shared');
  const second = tryFileLock(path, 'shared');
  expect(first).toBeDefined();
  expect(second).toBeDefined();
  expect(tryFileLock(path, 'exclusive')).toBeUndefined();
  first?.[Symbol.dispose]();
  expect(tryFileLock(path, 'exclusive')).toBeUndefined();
  second?.[Symbol.dispose]();
  const exclusive = tryFileLock(path, 'exclusive');
  expect(exclusive).toBeDefined();
  expect(tryFileLock(path, 'shared')).toBeUndefined();
  exclusive?.[Symbol.dispose]();
  exclusive?.[Symbol.dispose]();
});

test('waits until the lock is free', async () => {
  const held = await acquireFileLock(path, 'exclusive');
  let acquired = false;
  const waiting = acquireFileLock(path, 'shared').then((lock) => {
    acquired = true;
    return lock;
  });
  await delay(30);
  expect(acquired).toBe(false);
  held[Symbol.dispose]();
  (await waiting)[Symbol.dispose]();
});

test('stops waiting when cancelled', async () => {
  const held = await acquireFileLock(path, 'exclusive');
  const signal = AbortSignal.timeout(20);
  await expect(acquireFileLock(path, 'exclusive', { signal })).rejects.toMatchObject({ code: 'ABORTED' });
  held[Symbol.dispose]();
});

test('a transient lock is held by one at a time, and its file goes with the last of them', async () => {
  let held = 0;
  const work = async (): Promise<void> => {
    using _lock = await acquireTransientLock(path);
    held += 1;
    expect(held).toBe(1);
    expect(existsSync(path)).toBe(true);
    await delay(1);
    held -= 1;
  };
  await Promise.all(Array.from({ length: 20 }, work));
  expect(existsSync(path)).toBe(false);
});

test('tells whoever waits for long, once', async () => {
  let told = 0;
  const held = await acquireFileLock(path, 'exclusive', { onWait: () => (told += 1) });
  const waiting = acquireFileLock(path, 'exclusive', { onWait: () => (told += 1) });
  expect(told).toBe(0);
  await vi.waitUntil(() => told > 0);
  await delay(120);
  expect(told).toBe(1);
  held[Symbol.dispose]();
  (await waiting)[Symbol.dispose]();
});

test('a transient lock whose holder was killed is free, though its file is still there', async () => {
  using _left = tryFileLock(path, 'exclusive');
  _left?.[Symbol.dispose]();
  expect(existsSync(path)).toBe(true);
  (await acquireTransientLock(path))[Symbol.dispose]();
  expect(existsSync(path)).toBe(false);
});

test('frees the lock when its task fails', async () => {
  await expect(underFileLock(path, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(() =>
    underFileLockSync(path, () => {
      throw new Error('broken');
    }),
  ).toThrow('broken');
  expect(underFileLockSync(path, () => 'done')).toBe('done');
});

test('lets tasks run one after the other', async () => {
  let running = 0;
  const task = async (): Promise<void> => {
    running += 1;
    expect(running).toBe(1);
    await delay(2);
    running -= 1;
  };
  await Promise.all(Array.from({ length: 5 }, () => underFileLock(path, task)));
});

const flock = requirement('tar', hasTools('flock'), 'flock of util-linux is not installed');
test.skipIf(flock.skip)('is free again once its process is killed', async () => {
  const child = spawn('flock', ['--exclusive', '--no-fork', path, 'sleep', '60'], { stdio: 'ignore' });
  await once(child, 'spawn');
  try {
    for (;;) {
      const lock = tryFileLock(path, 'exclusive');
      lock?.[Symbol.dispose]();
      if (lock === undefined) break;
      await delay(5);
    }
  } finally {
    child.kill('SIGKILL');
  }
  const lock = await acquireFileLock(path, 'exclusive', { signal: AbortSignal.timeout(5000) });
  lock[Symbol.dispose]();
});
