import { randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { lstat, open, readdir, rename, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemErrorCode } from './errors.js';

/** Milliseconds since the last write. Writing a small file takes none; whoever has been silent for an hour will not finish. */
const ABANDONED_AFTER = 3_600_000;

export interface AtomicWriteOptions {
  /** Permission bits, whatever the umask. 0600 unless given. */
  readonly mode?: number;
  /** Whether the file is on the disk, not only in its cache, when the call is done. `true` unless given. */
  readonly durable?: boolean;
}

/** Whether a name is one of an unfinished file: for those who clean up after a crash. */
export function isUnfinishedName(name: string): boolean {
  return /\.[0-9a-f]{12}\.unfinished$/.test(name);
}

/**
 * Removes the files of a folder that a crash left unfinished, an hour ago or more. A folder that is missing has none.
 * @param of only what was to become the file of that name
 */
export async function removeUnfinished(directory: string, of?: string): Promise<void> {
  for (const name of (await unlessGone(readdir(directory))) ?? []) {
    if (!isUnfinishedName(name) || (of !== undefined && name.replace(/(\.[^.]*){2}$/, '') !== of)) continue;
    const path = join(directory, name);
    // Its writer may be alive, and rename it meanwhile.
    const status = await unlessGone(lstat(path));
    if (status !== undefined && status.mtimeMs < Date.now() - ABANDONED_AFTER) await unlessGone(unlink(path));
  }
}

async function unlessGone<T>(task: Promise<T>): Promise<T | undefined> {
  try {
    return await task;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Replaces a file: others see the old content or the new, never a part. Nothing is left behind on failure.
 * @throws system errors
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: AtomicWriteOptions = {},
): Promise<void> {
  const { mode = 0o600, durable = true } = options;
  const unfinished = `${path}.${randomBytes(6).toString('hex')}.unfinished`;
  if (!durable) {
    replaceAtOnce(path, data, { mode, unfinished });
    return;
  }
  const file = await open(unfinished, 'wx', 0o600);
  try {
    await file.chmod(mode);
    // Node loops over short writes here; it does not in FileHandle.write.
    await file.writeFile(data);
    await file.datasync();
    await file.close();
    await rename(unfinished, path);
  } catch (error) {
    await abandon(file, unfinished);
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Without waiting for the disk there is nothing to wait for: five turns of the event loop would take longer than the work. */
function replaceAtOnce(
  path: string,
  data: string | Uint8Array,
  { mode, unfinished }: { readonly mode: number; readonly unfinished: string },
): void {
  const descriptor = openSync(unfinished, 'wx', 0o600);
  let open = true;
  try {
    fchmodSync(descriptor, mode);
    writeFileSync(descriptor, data);
    open = false;
    closeSync(descriptor);
    renameSync(unfinished, path);
  } catch (error) {
    if (open) closeSync(descriptor);
    rmSync(unfinished, { force: true });
    throw error;
  }
}

/** Makes the names in a directory durable: a rename is not on the disk before (fsync(2)). */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Writes all of `bytes`: write(2) may take only some, on a full disk or under a signal. */
export async function writeFully(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let rest = bytes;
  while (rest.byteLength > 0) {
    const { bytesWritten } = await file.write(rest);
    rest = rest.subarray(bytesWritten);
  }
}

/** As `writeFully`, to an open descriptor, and at once. @throws system errors */
export function writeFullySync(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength;) at += writeSync(descriptor, bytes, at);
}

async function abandon(file: FileHandle, path: string): Promise<void> {
  // The first error is the one that counts: closing twice, and a file that the rename took, are none.
  await file.close().catch(() => undefined);
  await unlink(path).catch(() => undefined);
}
