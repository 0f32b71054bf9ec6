import { closeSync, constants, fstatSync, openSync, unlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { throwIfAborted } from './byte-streams.js';
import { invariant } from './invariant.js';
import { LOCK, lockFile } from './syscalls.js';

export type LockMode = 'shared' | 'exclusive';

/** Held until disposed of, or until the process dies: the kernel frees it then, however it dies. */
export interface FileLock {
  [Symbol.dispose](): void;
}

const LONGEST_PAUSE_MS = 50;

/**
 * Waits for a kernel lock on a file, which is made when it is missing and never removed. Not reentrant: two locks of one
 * process exclude each other as those of two processes do.
 * @param onWait called once, if somebody else has it for longer than it is worth a word
 * @throws `ABORTED`; system errors, where files cannot be locked
 */
export async function acquireFileLock(
  path: string,
  mode: LockMode,
  options: { readonly signal?: AbortSignal | undefined; readonly onWait?: (() => void) | undefined } = {},
): Promise<FileLock> {
  return await polled(path, options, () => tryFileLock(path, mode));
}

/**
 * Waits for a lock that excludes all others, on a file that is there only while somebody has the lock or waits for it: for locks
 * that are as many as the things they are for.
 * @param onWait called once, if somebody else has it for longer than it is worth a word
 * @throws `ABORTED`; system errors
 */
export async function acquireTransientLock(
  path: string,
  options: { readonly signal?: AbortSignal | undefined; readonly onWait?: (() => void) | undefined } = {},
): Promise<FileLock> {
  return await polled(path, options, () => tryTransientLock(path));
}

async function polled(
  path: string,
  { signal, onWait }: { readonly signal?: AbortSignal | undefined; readonly onWait?: (() => void) | undefined },
  attempt: () => FileLock | undefined,
): Promise<FileLock> {
  const what = `lock "${path}"`;
  let isTold = false;
  // flock(2) would block the thread, or a thread of the pool that Node's file system calls need.
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    throwIfAborted(what, signal);
    const lock = attempt();
    if (lock !== undefined) return lock;
    if (pauseMs === LONGEST_PAUSE_MS && !isTold) {
      isTold = true;
      onWait?.();
    }
    await pause(pauseMs, signal);
    throwIfAborted(what, signal);
  }
}

function tryTransientLock(path: string): FileLock | undefined {
  const held = takeDescriptor(path, LOCK.exclusive | LOCK.nonblocking);
  if (held === undefined) return undefined;
  // Whoever had it before has removed the file that was opened here: the lock is on one that nobody else will find.
  if (fstatSync(held).nlink === 0) {
    closeSync(held);
    return tryTransientLock(path);
  }
  return disposer(held, () => {
    unlinkSync(path);
  });
}

/** Runs a task while nobody else runs one under the same lock. @throws as `acquireFileLock` */
export async function underFileLock<T>(path: string, task: () => Promise<T>): Promise<T> {
  const lock = await acquireFileLock(path, 'exclusive');
  try {
    return await task();
  } finally {
    lock[Symbol.dispose]();
  }
}

/** As `underFileLock`, and blocks the thread: for tasks of some system calls, such as every user of the lock must have. */
export function underFileLockSync<T>(path: string, task: () => T): T {
  const lock = takeLock(path, LOCK.exclusive);
  invariant(lock !== undefined, 'flock waits until it has the lock');
  try {
    return task();
  } finally {
    lock[Symbol.dispose]();
  }
}

/** `undefined` when somebody else has a lock that excludes this one. @throws system errors */
export function tryFileLock(path: string, mode: LockMode): FileLock | undefined {
  return takeLock(path, LOCK[mode] | LOCK.nonblocking);
}

function takeLock(path: string, operation: number): FileLock | undefined {
  const descriptor = takeDescriptor(path, operation);
  return descriptor === undefined ? undefined : disposer(descriptor);
}

function takeDescriptor(path: string, operation: number): number | undefined {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    if (!lockFile(descriptor, operation)) {
      closeSync(descriptor);
      return undefined;
    }
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return descriptor;
}

function disposer(descriptor: number, before: () => void = () => undefined): FileLock {
  let held = true;
  return {
    [Symbol.dispose]: () => {
      if (!held) return;
      held = false;
      try {
        before();
      } finally {
        closeSync(descriptor);
      }
    },
  };
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  // Aborting ends the pause early; the caller looks at the signal itself.
  await delay(milliseconds, undefined, { signal }).catch((error: unknown) => {
    if (signal?.aborted !== true) throw error;
  });
}
