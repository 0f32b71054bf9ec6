import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { tryFileLock, underFileLockSync, type FileLock } from '../support/file-lock.js';
import { removeTree } from '../support/files.js';
import { systemErrorCode } from '../support/errors.js';
import { invariant } from '../support/invariant.js';
import { layout } from './layout.js';

const OWNED_PREFIX = 'owned-';
const LOCK_NAME = 'lock';
/** The parts of this process, whose own locks tell it nothing. */
const claimedHere = new Set<string>();

/**
 * This process's part of the store's `tmp/`. It has a file `lock` that the kernel unlocks when the process dies, however it
 * dies; what is in it is garbage from then on.
 */
export class TemporaryArea implements Disposable {
  readonly #root: string;
  #claimed: Part | undefined;
  #cleaned: Promise<unknown> | undefined;
  #names = 0;

  constructor(root: string) {
    this.#root = root;
  }

  /** Made at the first use, which loads the system calls. Absolute. */
  get directory(): string {
    this.#claimed ??= claim(this.#root);
    return this.#claimed.directory;
  }

  /** A path that nothing is at. The first call also removes what dead processes left. */
  async newPath(): Promise<string> {
    this.#cleaned ??= removeAbandoned(this.#root);
    await this.#cleaned;
    this.#names += 1;
    return join(this.directory, `unfinished-${this.#names}`);
  }

  [Symbol.dispose](): void {
    const claimed = this.#claimed;
    if (claimed === undefined) return;
    this.#claimed = undefined;
    claimedHere.delete(claimed.directory);
    try {
      underGate(this.#root, () => {
        rmSync(claimed.directory, { recursive: true, force: true });
      });
    } catch (error) {
      // What was done is done; the next process removes what this one cannot.
      if (systemErrorCode(error) === undefined) throw error;
    } finally {
      claimed.lock[Symbol.dispose]();
    }
  }
}

function claim(root: string): Part {
  const temporary = layout.temporary(root);
  mkdirSync(temporary, { recursive: true, mode: 0o700 });
  // Between making the folder and locking it, it looks like a dead process's.
  return underGate(root, () => {
    const directory = mkdtempSync(join(temporary, OWNED_PREFIX));
    const lock = lockNew(directory);
    claimedHere.add(directory);
    return { directory, lock };
  });
}

function lockNew(directory: string): FileLock {
  try {
    const lock = tryFileLock(join(directory, LOCK_NAME), 'exclusive');
    invariant(lock !== undefined, 'nobody knows the folder yet');
    return lock;
  } catch (error) {
    rmSync(directory, { recursive: true });
    throw error;
  }
}

function underGate<T>(root: string, task: () => T): T {
  return underFileLockSync(layout.lock(root, 'temporary'), task);
}

/**
 * Removes what dead processes left in `tmp/`. What this user may not remove (files of other ids, made in a user namespace)
 * stays for who may.
 */
export async function removeAbandoned(root: string): Promise<void> {
  for (const { directory, lock } of survey(root).abandoned) {
    await removeTree(directory).catch(ignoring(['EACCES', 'EPERM', 'EBUSY', 'ENOENT', 'ENOTEMPTY']));
    lock[Symbol.dispose]();
  }
}

/**
 * When the oldest part of `tmp/` of another living process was claimed, in milliseconds since the epoch: blobs that are younger
 * may belong to something unfinished. `undefined` when there is none.
 */
export function oldestClaim(root: string): number | undefined {
  const { abandoned, oldestLiving } = survey(root);
  for (const { lock } of abandoned) lock[Symbol.dispose]();
  return oldestLiving;
}

/** The names of what dead processes left in `tmp/`, sorted. */
export function abandonedParts(root: string): readonly string[] {
  const { abandoned } = survey(root);
  for (const { lock } of abandoned) lock[Symbol.dispose]();
  return abandoned.map(({ directory }) => basename(directory)).sort();
}

interface Survey {
  readonly abandoned: readonly Part[];
  readonly oldestLiving: number | undefined;
}

interface Part {
  readonly directory: string;
  readonly lock: FileLock;
}

function survey(root: string): Survey {
  const temporary = layout.temporary(root);
  const abandoned: Part[] = [];
  let oldestLiving: number | undefined;
  underGate(root, () => {
    for (const name of readdirSync(temporary)) {
      const directory = join(temporary, name);
      if (!name.startsWith(OWNED_PREFIX) || claimedHere.has(directory)) continue;
      const state = examine(directory);
      if (typeof state === 'number') oldestLiving = Math.min(oldestLiving ?? Infinity, state);
      else if (state !== undefined) abandoned.push(state);
    }
  });
  return { abandoned, oldestLiving };
}

/** A dead process's part, or when a living one's was claimed; `undefined` when it is going away, or another user's. */
function examine(directory: string): Part | number | undefined {
  const path = join(directory, LOCK_NAME);
  try {
    const lock = tryFileLock(path, 'exclusive');
    return lock === undefined ? statSync(path).mtimeMs : { directory, lock };
  } catch (error) {
    ignoring(['ENOENT', 'EACCES'])(error);
    return undefined;
  }
}

function ignoring(codes: readonly string[]): (error: unknown) => void {
  return (error) => {
    if (!codes.includes(systemErrorCode(error) ?? '')) throw error;
  };
}
