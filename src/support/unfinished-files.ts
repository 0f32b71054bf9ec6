import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { lstat, open, readdir, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { compareBytes } from './byte-string.js';
import { systemErrorCode } from './errors.js';
import { LOCK, lockFile } from './syscalls.js';

/** Neither links nor pipes: the folder may be everybody's. */
const LOCK_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Milliseconds. Who writes something brief takes none; whoever began an hour ago will not finish. */
const ABANDONED_AFTER = 3_600_000;

export interface UnfinishedFile {
  readonly path: string;
  readonly file: FileHandle;
}

export interface UnfinishedOptions {
  /** What is written at once is not worth a lock, which loads the system calls: it is abandoned when it is an hour old. */
  readonly brief?: boolean | undefined;
}

/**
 * The hidden files of one writer, beside what they are to become. They are known to be alive by a kernel lock on the first of
 * them, and when their writer dies, the next one of the same target removes them. To be disposed of when nothing of them is left.
 */
export class UnfinishedFiles implements Disposable {
  readonly #target: string;
  readonly #brief: boolean;
  #token = newToken();
  #lock: number | undefined;

  private constructor(target: string, brief: boolean) {
    this.#target = target;
    this.#brief = brief;
  }

  /**
   * Removes what dead writers of the same target left.
   * @param target absolute
   */
  static async begin(target: string, { brief = false }: UnfinishedOptions = {}): Promise<UnfinishedFiles> {
    await removeAbandoned(target, brief);
    return new UnfinishedFiles(target, brief);
  }

  /**
   * @param name of what the file is to become: the target's own name, alone or with a dot and more behind it
   * @throws system errors
   */
  async create(name: string, mode: number): Promise<UnfinishedFile> {
    for (;;) {
      const path = join(dirname(this.#target), `.${name}.${this.#token}.${suffixOf(this.#brief)}`);
      const file = await open(path, 'wx', mode);
      if (!this.#brief) this.#lock ??= lockHere(path);
      if (this.#brief || this.#lock !== undefined) return { path, file };
      // Somebody found it before it was locked, and removes it as a dead writer's.
      await file.close();
      this.#token = newToken();
    }
  }

  [Symbol.dispose](): void {
    if (this.#lock !== undefined) closeSync(this.#lock);
    this.#lock = undefined;
  }
}

function newToken(): string {
  return randomBytes(6).toString('hex');
}

function suffixOf(brief: boolean): string {
  return brief ? 'unfinished' : 'partial';
}

/** @returns a descriptor of its own, so that the file can be closed before; `undefined` when the file is being removed */
function lockHere(path: string): number | undefined {
  const descriptor = openIfThere(path);
  if (descriptor === undefined) return undefined;
  if (tryLock(descriptor) !== 'taken' && fstatSync(descriptor).nlink > 0) return descriptor;
  closeSync(descriptor);
  return undefined;
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, LOCK_FLAGS);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function tryLock(descriptor: number): 'held' | 'taken' | 'impossible' {
  try {
    return lockFile(descriptor, LOCK.exclusive | LOCK.nonblocking) ? 'held' : 'taken';
  } catch {
    // A file system without locks: nobody can take the file for abandoned there.
    return 'impossible';
  }
}

async function removeAbandoned(target: string, brief: boolean): Promise<void> {
  const directory = dirname(target);
  for (const names of await writersBeside(target, suffixOf(brief))) {
    const paths = names.map((name) => join(directory, name));
    // What cannot be told, or not be removed (another user's), stays.
    await (brief ? removeOld(paths) : removeUnlocked(paths)).catch(() => undefined);
  }
}

async function removeOld(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    if ((await lstat(path)).mtimeMs < Date.now() - ABANDONED_AFTER) await rm(path, { force: true });
  }
}

/** @param paths the locked one first */
async function removeUnlocked([first = '', ...others]: readonly string[]): Promise<void> {
  const descriptor = openSync(first, LOCK_FLAGS);
  try {
    if (!fstatSync(descriptor).isFile() || tryLock(descriptor) !== 'held') return;
    for (const path of [...others, first]) await rm(path, { force: true });
  } finally {
    closeSync(descriptor);
  }
}

/** The names of the hidden files that are there, by writer; sorted, so that the one that a writer makes first comes first. */
async function writersBeside(target: string, suffix: string): Promise<readonly (readonly string[])[]> {
  const writers = new Map<string, string[]>();
  for (const name of (await namesIn(dirname(target))).toSorted(compareBytes)) {
    const token = tokenOf(name, { target: basename(target), suffix });
    if (token !== undefined) writers.set(token, [...(writers.get(token) ?? []), name]);
  }
  return [...writers.values()];
}

function tokenOf(
  name: string,
  { target, suffix }: { readonly target: string; readonly suffix: string },
): string | undefined {
  if (!name.startsWith(`.${target}.`) || !name.endsWith(`.${suffix}`)) return undefined;
  return /^(?:.*\.)?([0-9a-f]{12})$/s.exec(name.slice(target.length + 2, -suffix.length - 1))?.[1];
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch {
    // A folder that may only be written into. That it is missing, making the file will say.
    return [];
  }
}
