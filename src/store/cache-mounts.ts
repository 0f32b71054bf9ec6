import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { acquireFileLock, tryFileLock, type FileLock } from '../support/file-lock.js';
import { removeTree } from '../support/files.js';
import { systemErrorCode } from '../support/errors.js';
import { parseJson } from '../support/parse-json.js';

/** What tells one cache mount from others: its id, and what it was made of, where that is not nothing. */
export interface CacheMountName {
  readonly id: string;
  readonly variant: string;
}

/** `shared`: with anybody. `private`: another one when it is in use. `locked`: waits until it is not. */
export type CacheMountSharing = 'shared' | 'private' | 'locked';

export interface AcquireOptions {
  readonly sharing: CacheMountSharing;
  /** Makes the directory at this path, whose parent exists. */
  readonly create: (path: string) => Promise<void>;
  /** Called once when somebody else has to be waited for. */
  readonly onWait: () => void;
  readonly signal: AbortSignal;
}

/** Nobody removes it, or uses it against its sharing, until it is disposed of. */
export interface HeldCacheMount extends Disposable {
  /** Absolute path. */
  readonly directory: string;
}

const VERSION = 1;

/**
 * Directories that outlive builds and belong to no image:
 *
 *     <digest of the name>/<number>/{meta.json,data/}    made elsewhere and renamed into place: whole, or not there
 *     <digest of the name>/<number>.lock                 a kernel lock for as long as a step uses it; its time: when the last one began
 *
 * Numbers above 0 are for those who do not share. Owners in `data/` are those of one id mapping, so each mapping has a folder.
 */
export class CacheMounts {
  readonly #directory: string;
  readonly #temporaryDirectory: string;

  /** Both absolute, on one file system. */
  constructor(options: { readonly directory: string; readonly temporaryDirectory: string }) {
    this.#directory = options.directory;
    this.#temporaryDirectory = options.temporaryDirectory;
  }

  /** Waits where it has to. @throws `ABORTED`, what `create` throws */
  async acquire(name: CacheMountName, options: AcquireOptions): Promise<HeldCacheMount> {
    const folder = join(this.#directory, digestOf(name));
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { number, lock } = await lockOne(folder, options);
    try {
      const place = join(folder, String(number));
      const now = new Date();
      await utimes(lockOf(place), now, now);
      if (!isComplete(place)) await this.#make(place, name, options.create);
      return {
        directory: join(place, 'data'),
        [Symbol.dispose]: () => {
          lock[Symbol.dispose]();
        },
      };
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Puts another directory in the place of the one that those who share have, or makes it: whole, and only while no step uses it.
   * @param create makes the directory at this path, whose parent exists, and says what tells it from others of its id
   * @throws `ABORTED`, what `create` throws
   */
  async replace(
    id: string,
    create: (path: string) => Promise<Pick<CacheMountName, 'variant'>>,
    signal: AbortSignal,
  ): Promise<void> {
    const unfinished = await mkdtemp(join(this.#temporaryDirectory, 'cache-mount-'));
    const replaced = await mkdtemp(join(this.#temporaryDirectory, 'cache-mount-'));
    try {
      const name = { id, ...(await create(join(unfinished, 'data'))) };
      await writeMeta(unfinished, name);
      const folder = join(this.#directory, digestOf(name));
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const place = join(folder, '0');
      using _held = await holdCacheMount(place, signal);
      if (existsSync(place)) await rename(place, join(replaced, '0'));
      await rename(unfinished, place);
    } finally {
      await removeTree(unfinished);
      await removeTree(replaced);
    }
  }

  async #make(place: string, name: CacheMountName, create: AcquireOptions['create']): Promise<void> {
    const unfinished = await mkdtemp(join(this.#temporaryDirectory, 'cache-mount-'));
    try {
      await create(join(unfinished, 'data'));
      await writeMeta(unfinished, name);
      // What a power failure may leave of one.
      if (!isComplete(place)) await removeTree(place);
      await rename(unfinished, place);
    } catch (error) {
      await removeTree(unfinished);
      // Another that shares it was faster.
      if (!isComplete(place)) throw error;
    }
  }
}

/** Waits until no step uses it, and keeps steps from it until it is disposed of. @throws `ABORTED` */
export async function holdCacheMount(place: string, signal: AbortSignal): Promise<Disposable> {
  return await acquireFileLock(lockOf(place), 'exclusive', { signal });
}

async function writeMeta(directory: string, { id, variant }: CacheMountName): Promise<void> {
  await writeFile(join(directory, 'meta.json'), JSON.stringify({ version: VERSION, id, variant }));
}

function lockOf(place: string): string {
  return `${place}.lock`;
}

function digestOf({ id, variant }: CacheMountName): string {
  return createHash('sha256')
    .update(JSON.stringify([id, variant]))
    .digest('hex');
}

/** The first that may be had. */
async function lockOne(
  folder: string,
  { sharing, signal, onWait }: AcquireOptions,
): Promise<{ readonly number: number; readonly lock: FileLock }> {
  for (let number = 0; ; number += 1) {
    const file = lockOf(join(folder, String(number)));
    const lock = tryFileLock(file, sharing === 'shared' ? 'shared' : 'exclusive');
    if (lock !== undefined) return { number, lock };
    if (sharing === 'locked') {
      onWait();
      return { number, lock: await acquireFileLock(file, 'exclusive', { signal }) };
    }
  }
}

function isComplete(place: string): boolean {
  return existsSync(join(place, 'meta.json'));
}

/** A cache mount as it lies on the disk. */
export interface CacheMountEntry extends CacheMountName {
  /** As the Dockerfile has it, with its namespace before a slash. */
  readonly id: string;
  /** What holds its files. */
  readonly path: string;
  /** When a step last began to use it, in milliseconds since the epoch. */
  readonly usedAt: number;
}

/** Those of one id mapping, sorted by id. */
export function listCacheMounts(directory: string): readonly CacheMountEntry[] {
  const folders = namesIn(directory).map((name) => join(directory, name));
  const places = folders.flatMap((folder) => namesIn(folder).map((name) => join(folder, name)));
  return places
    .flatMap((path) => {
      const name = nameOf(path);
      return name === undefined ? [] : [{ ...name, path, usedAt: usedAt(path) }];
    })
    .sort((left, right) => (left.id === right.id ? compare(left.path, right.path) : compare(left.id, right.id)));
}

const compare = (left: string, right: string): number => (left < right ? -1 : 1);

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

function nameOf(path: string): CacheMountName | undefined {
  try {
    const meta = (parseJson(readFileSync(join(path, 'meta.json'), 'utf8')) ?? {}) as Readonly<Record<string, unknown>>;
    const { id, variant } = meta;
    return typeof id === 'string' && typeof variant === 'string' ? { id, variant } : undefined;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function usedAt(path: string): number {
  return Math.floor(statSync(lockOf(path), { throwIfNoEntry: false })?.mtimeMs ?? 0);
}

/** Removes all that one id mapping has. The caller has the store to itself. */
export async function removeCacheMounts(directory: string): Promise<void> {
  await removeTree(directory);
}
