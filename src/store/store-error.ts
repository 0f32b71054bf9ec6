import { accessSync, constants, existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isTsbuildError, systemErrorCode, TsbuildError } from '../support/errors.js';

const STATES: Readonly<Record<string, readonly [state: string, hint: string]>> = {
  EACCES: ['permission denied', 'Make its folder writable for this user, or choose another folder for the store.'],
  EPERM: ['not permitted', 'Make its folder writable for this user, or choose another folder for the store.'],
  EROFS: ['the file system is read-only', 'Choose another folder for the store.'],
  ENOTDIR: ['a part of its path is a file', 'Remove that file, or choose another folder for the store.'],
  EEXIST: ['something else is in its place', 'Remove that file, or choose another folder for the store.'],
  ENOENT: ['it is gone', 'Somebody removed files of the store; run the command again.'],
  ENAMETOOLONG: ['the path is too long', 'Choose a folder with a shorter path for the store.'],
  ENOLCK: ['this file system has no locks', 'Put the store on a local file system.'],
  EMFILE: ['too many open files', 'Raise the limit (ulimit -n), and run the command again.'],
  EIO: ['the disk reports an error', 'Check the disk; its kernel log says more (dmesg).'],
};

/**
 * What a system call on the store failed with, in words.
 * @param what as in `cannot <what>: <state>`
 * @returns `DISK_FULL`, naming the store and what is free, or `STORE_IO`; any other error as it is
 */
export async function storeError(error: unknown, what: string, root: string): Promise<Error> {
  const code = codeOf(error);
  if (code === undefined || isTsbuildError(error)) return asError(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return await diskFull(error, { code, what, root });
  const [state, hint] = STATES[code] ?? [code, 'Check the folder of the store and the disk it is on.'];
  return new TsbuildError('STORE_IO', `cannot ${what}: ${state}`, {
    hint,
    cause: error,
    details: { store: root, code },
  });
}

/** Node's recursive mkdir says ENOENT where a file system is read-only: what access(2) says is so. */
function codeOf(error: unknown): string | undefined {
  const code = systemErrorCode(error);
  if (code !== 'ENOENT' || !(error instanceof Error) || !('path' in error)) return code;
  let place = String(error.path);
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  try {
    accessSync(place, constants.W_OK);
    return code;
  } catch (reason) {
    return systemErrorCode(reason) === 'EROFS' ? 'EROFS' : code;
  }
}

/** Runs what only touches the store, so that each of its system errors is one of the store. */
export async function onStore<T>(what: string, root: string, task: () => Promise<T> | T): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw await storeError(error, what, root);
  }
}

/**
 * As `onStore`, for a task that does more than touch the store: of its errors only those that a system call gave are the store's.
 * Node's own errors have codes as well, and tell of mistakes of this program.
 */
export async function onDisk<T>(what: string, root: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (thrown) {
    const error = original(thrown);
    const isOfSystemCall =
      error instanceof Error && 'syscall' in error && /^E[A-Z0-9]+$/.test(systemErrorCode(error) ?? '');
    throw isOfSystemCall ? await storeError(error, what, root) : error;
  }
}

/** Of an error and those that putting things away failed with because of it, the first (ECMAScript, SuppressedError). */
function original(error: unknown): unknown {
  const covered = error instanceof Error && error.name === 'SuppressedError' && 'suppressed' in error;
  return covered ? original(error.suppressed) : error;
}

async function diskFull(
  cause: unknown,
  { code, what, root }: { readonly code: string; readonly what: string; readonly root: string },
): Promise<TsbuildError> {
  const free = await statfs(root).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  );
  const state = code === 'EDQUOT' ? 'the disk quota is used up' : 'the disk is full';
  return new TsbuildError('DISK_FULL', `cannot ${what}: ${state}; ${free} bytes are free for the store "${root}"`, {
    hint: 'Free some space or remove images that are no longer needed, and run the command again.',
    cause,
    details: { store: root, free },
  });
}

/** JavaScript can throw anything; streams and this program's own `throw` take errors. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
