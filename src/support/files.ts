import { chmod, lstat, readdir } from 'node:fs/promises';
import { systemErrorCode } from './errors.js';

// fs-extra costs 5 ms to load: only who comes here pays.

/** Makes a directory and its parents. An existing one keeps its mode. */
export async function ensureDirectory(path: string, mode = 0o700): Promise<void> {
  const { ensureDir } = await import('fs-extra/esm');
  await ensureDir(path, mode);
}

/** Removes whatever is there, and is content with nothing. Directories that forbid it to their own owner are opened first. */
export async function removeTree(path: string): Promise<void> {
  const { remove } = await import('fs-extra/esm');
  try {
    await remove(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    await openDirectories(path);
    await remove(path);
  }
}

/** Names are bytes: decoded as text, those that are no UTF-8 would not be found again. */
async function openDirectories(path: string | Buffer): Promise<void> {
  try {
    if (!(await lstat(path)).isDirectory()) return;
    await chmod(path, 0o700);
    for (const name of await readdir(path, { encoding: 'buffer' })) {
      await openDirectories(Buffer.concat([Buffer.from(path), Buffer.from('/'), name]));
    }
  } catch (error) {
    // The removal that failed goes on in the background, beside this: what is gone needs no opening.
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}
