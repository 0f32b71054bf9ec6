import { chmod, lstat, readdir, rename } from 'node:fs/promises';
import { systemErrorCode } from './errors.js';

// fs-extra costs 5 ms to load: only who comes here pays.

/** Makes a directory and its parents. An existing one keeps its mode. */
export async function ensureDirectory(path: string, mode = 0o700): Promise<void> {
  const { ensureDir } = await import('fs-extra/esm');
  await ensureDir(path, mode);
}

/**
 * Removes whatever is there, and is content with nothing. Directories that forbid it to their own owner are opened first, and those
 * that are too far down for any path to name them, as a process can make them step by step, are moved up.
 */
export async function removeTree(path: string): Promise<void> {
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
