import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readdirSync } from 'node:fs';
import { fsPath, type ByteString } from '../support/byte-string.js';
import { childPath, hostPath } from '../support/byte-path.js';
import { systemErrorCode } from '../support/errors.js';
import { openFileLook, STATX_WORD, type FileLook } from '../support/syscalls.js';

/** What all files below a folder were, by their names and what the kernel says of them. None of them is read. */
export interface FolderState {
  /** Equal for equal names, types, modes, sizes, inodes and times of change. */
  readonly digest: string;
  /** How many were looked at. */
  readonly files: number;
  /** When the last of them was changed: nanoseconds since the epoch. */
  readonly changedAt: bigint;
  /** The last one of those whose time has no fraction, as on file systems that date by seconds; 0 when there is none. */
  readonly changedAtSecond: bigint;
}

export interface FolderStateOptions {
  /** Whether something is passed over with all that is below it. Paths are relative to the folder. */
  readonly skips?: ((path: ByteString, isDirectory: boolean) => boolean) | undefined;
}

const { O_DIRECTORY, O_NOFOLLOW, S_IFMT, S_IFDIR } = constants;

/**
 * @param directory absolute; not followed if it is a link
 * @returns `undefined` when something cannot be looked at, or goes meanwhile
 */
export function folderState(directory: ByteString, options: FolderStateOptions = {}): FolderState | undefined {
  try {
    return new FolderWalk(directory, options).walk();
  } catch (error) {
    if (error instanceof FileGone || systemErrorCode(error) !== undefined) return undefined;
    throw error;
  }
}

class FileGone extends Error {}

/** 32-bit words of a row: mode, inode, size, both times of change, device. */
const ROW = 13;
const NANOSECONDS = 1_000_000_000n;

class FolderWalk {
  readonly #root: ByteString;
  readonly #options: FolderStateOptions;
  readonly #look: FileLook = openFileLook();
  readonly #hash = createHash('sha256');
  #files = 0;
  readonly #newest = new Newest();
  readonly #newestSecond = new Newest();

  constructor(root: ByteString, options: FolderStateOptions) {
    this.#root = root;
    this.#options = options;
  }

  walk(): FolderState {
    const pending: ByteString[] = ['' as ByteString];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) pending.push(...this.#directory(next));
    return {
      digest: this.#hash.digest('hex'),
      files: this.#files,
      changedAt: this.#newest.time,
      changedAtSecond: this.#newestSecond.time,
    };
  }

  /** In the order that the directory has them: a folder that did not change has it again. @returns the directories in it */
  #directory(directory: ByteString): ByteString[] {
    const host = fsPath(hostPath(this.#root, directory));
    const descriptor = openSync(host, O_DIRECTORY | O_NOFOLLOW);
    try {
      // What came into a directory, or left it, while its files were read is told by its own time alone.
      this.#see(descriptor, '.' as ByteString);
      this.#date();
      return this.#entries(descriptor, directory, readdirSync(host, { encoding: 'latin1' }) as ByteString[]);
    } finally {
      closeSync(descriptor);
    }
  }

  #entries(descriptor: number, directory: ByteString, names: readonly ByteString[]): ByteString[] {
    const rows = new Uint32Array(names.length * ROW);
    const taken: ByteString[] = [];
    const below: ByteString[] = [];
    for (const name of names) {
      this.#see(descriptor, name);
      const path = childPath(directory, name);
      const isDirectory = (this.#mode & S_IFMT) === S_IFDIR;
      if (this.#options.skips?.(path, isDirectory) === true) continue;
      this.#date();
      this.#row(rows, taken.push(name) - 1);
      if (isDirectory) below.push(path);
    }
    // No name has a slash or a NUL in it: no two folders give the same text.
    this.#hash.update(`${directory}/\0${taken.length}\0${taken.join('\0')}\0`, 'latin1');
    this.#hash.update(rows.subarray(0, taken.length * ROW));
    this.#files += taken.length;
    return below;
  }

  #see(descriptor: number, name: ByteString): void {
    if (!this.#look.at(descriptor, name)) throw new FileGone();
  }

  /** With the type, of what was seen last. */
  get #mode(): number {
    return (this.#look.words[STATX_WORD.mode] ?? 0) & 0xffff;
  }

  #date(): void {
    const { words } = this.#look;
    for (const at of [STATX_WORD.ctime, STATX_WORD.mtime]) {
      this.#newest.add(words, at);
      if (words[at + 2] === 0) this.#newestSecond.add(words, at);
    }
  }

  /** A directory's own size and times say nothing that its entries do not. */
  #row(rows: Uint32Array, place: number): void {
    const { words } = this.#look;
    let at = place * ROW;
    rows[at++] = this.#mode;
    if ((this.#mode & S_IFMT) === S_IFDIR) return;
    for (let from = STATX_WORD.inode; from < STATX_WORD.size + 2; from++) rows[at++] = words[from] ?? 0;
    for (const time of [STATX_WORD.ctime, STATX_WORD.mtime]) {
      for (let from = time; from < time + 3; from++) rows[at++] = words[from] ?? 0;
    }
    rows[at++] = words[STATX_WORD.device] ?? 0;
    rows[at++] = words[STATX_WORD.device + 1] ?? 0;
  }
}

/** The latest of many times, compared without making an object of each. */
class Newest {
  #seconds = 0;
  #nanoseconds = 0;

  /** Times before the epoch are as good as it. */
  add(words: Uint32Array, at: number): void {
    const high = words[at + 1] ?? 0;
    const seconds = high > 0x7fffffff ? 0 : high * 2 ** 32 + (words[at] ?? 0);
    const nanoseconds = words[at + 2] ?? 0;
    if (seconds < this.#seconds || (seconds === this.#seconds && nanoseconds <= this.#nanoseconds)) return;
    this.#seconds = seconds;
    this.#nanoseconds = nanoseconds;
  }

  get time(): bigint {
    return BigInt(this.#seconds) * NANOSECONDS + BigInt(this.#nanoseconds);
  }
}
