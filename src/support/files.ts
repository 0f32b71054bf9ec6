import { existsSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { chmod, lstat, readdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from './errors.js';

// fs-extra costs 5 ms to load: only who comes here pays.

/** Makes a directory and its parents. An existing one keeps its mode. */
export async function ensureDirectory(path: string, mode = 0o700): Promise<void> {
  if (!existsSync(path)) makeFirstMissing(path, mode);
  const { ensureDir } = await import('fs-extra/esm');
  await ensureDir(path, mode);
}

/**
 * Node's recursive mkdir never ends where a folder is there and mkdir(2) in it says ENOENT all the same, as below /proc: a single
 * one tells.
 */
function makeFirstMissing(path: string, mode: number): void {
  let first = path;
  while (!existsSync(dirname(first)) && dirname(first) !== first) first = dirname(first);
  try {
    mkdirSync(first, { mode });
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  }
}

/**
 * Removes whatever is there, and is content with nothing. Directories that forbid it to their own owner are opened first, and those
 * that are too far down for any path to name them, as a process can make them step by step, are moved up.
 */
export async function removeTree(path: string): Promise<void> {
  if (removeFew(Buffer.from(path), { left: FEW })) return;
  const { remove } = await import('fs-extra/esm');
  try {
    await remove(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'ENAMETOOLONG') throw error;
    await makeRemovable(Buffer.from(path));
    await remove(path);
  }
}

/** So many files are removed before another way would have removed the first. */
const FEW = 40;

/** Removes a tree of few files, at once. False when there is more, or something in the way: the rest is left to another way. */
function removeFew(path: Buffer, budget: { left: number }): boolean {
  if (budget.left === 0) return false;
  budget.left -= 1;
  try {
    if (tryRemoveDirectory(path)) return true;
    for (const name of readdirSync(path, { encoding: 'buffer' })) {
      if (!removeFew(Buffer.concat([path, Buffer.from('/'), name]), budget)) return false;
    }
    rmdirSync(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
}

/** Or whatever else it is. False for one that is not empty. */
function tryRemoveDirectory(path: Buffer): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT') return true;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    if (code !== 'ENOTDIR') throw error;
    unlinkSync(path);
    return true;
  }
}

/** Half of PATH_MAX: what is in a directory with such a path has one that fits, the longest name included. */
const LONG_PATH = 2048;

/** Names are bytes: decoded as text, those that are no UTF-8 would not be found again. */
async function makeRemovable(top: Buffer): Promise<void> {
  const pending = [top];
  const place = { top, number: 0 };
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    try {
      if (!(await lstat(path)).isDirectory()) continue;
      await chmod(path, 0o700);
      const directory = path.length > LONG_PATH ? await moveUp(path, place) : path;
      for (const name of await readdir(directory, { encoding: 'buffer' })) {
        pending.push(Buffer.concat([directory, Buffer.from('/'), name]));
      }
    } catch (error) {
      // The removal that failed goes on in the background, beside this: what is gone needs nothing.
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    }
  }
}

async function moveUp(path: Buffer, place: { readonly top: Buffer; number: number }): Promise<Buffer> {
  for (;;) {
    const moved = Buffer.concat([place.top, Buffer.from(`/.moved-${place.number++}`)]);
    try {
      await rename(path, moved);
      return moved;
    } catch (error) {
      const code = systemErrorCode(error);
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR') throw error;
    }
  }
}
