import { constants, lstatSync, type BigIntStats } from 'node:fs';
import { fsPath, textOfBytes, type ByteString } from '../../support/byte-string.js';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';
import { AT_FDCWD, encodeDevice, openFileLook, STATX_WORD, type FileLook } from '../../support/syscalls.js';

/** What the kernel says of a file. */
export type FileStat = Pick<
  BigIntStats,
  'dev' | 'ino' | 'mode' | 'nlink' | 'uid' | 'gid' | 'rdev' | 'size' | 'mtimeNs' | 'ctimeNs'
> &
  Pick<
    BigIntStats,
    'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isCharacterDevice' | 'isBlockDevice' | 'isFIFO' | 'isSocket'
  >;

/** PATH_MAX, without its NUL. */
const MAX_PATH = 4095;
/** Looks by Node: from then on it pays to have loaded the library that makes them for half the price. */
const ENOUGH = 2000;

let looks = 0;
let look: FileLook | undefined;

/**
 * lstat(2); `undefined` when there is no such file, or none can be there.
 * @throws `LAYER_INVALID` where there may be one that no path can name: to take it for absent would lose it
 */
export function statFile(path: ByteString): FileStat | undefined {
  try {
    if (looks < ENOUGH) {
      looks += 1;
      return lstatSync(fsPath(path), { bigint: true, throwIfNoEntry: false });
    }
    look ??= openFileLook();
    return look.at(AT_FDCWD, path) ? new KernelStat(look.words) : undefined;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENAMETOOLONG' && path.length > MAX_PATH) throw tooLong(path, error);
    if (code === 'ENOTDIR' || code === 'ENAMETOOLONG') return undefined;
    throw error;
  }
}

function tooLong(path: ByteString, cause: unknown): TsbuildError {
  const state = `its path is longer than ${MAX_PATH} bytes`;
  return new TsbuildError('LAYER_INVALID', `cannot read file "${textOfBytes(path).slice(0, 200)}…": ${state}`, {
    hint: 'Remove it, or give the folders above it shorter names.',
    cause,
  });
}

const NANOSECONDS = 1_000_000_000n;
const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK } = constants;

/** Of `struct statx`; big numbers are made when they are asked for. */
class KernelStat implements FileStat {
  readonly #words: Uint32Array;
  readonly #mode: number;

  constructor(words: Uint32Array) {
    this.#words = words.slice(0, STATX_WORD.device + 2);
    this.#mode = words[STATX_WORD.mode] ?? 0;
  }

  get mode(): bigint {
    return BigInt(this.#mode & 0xffff);
  }

  get nlink(): bigint {
    return BigInt(this.#words[STATX_WORD.links] ?? 0);
  }

  get uid(): bigint {
    return BigInt(this.#words[STATX_WORD.uid] ?? 0);
  }

  get gid(): bigint {
    return BigInt(this.#words[STATX_WORD.gid] ?? 0);
  }

  get ino(): bigint {
    return this.#wide(STATX_WORD.inode);
  }

  get size(): bigint {
    return this.#wide(STATX_WORD.size);
  }

  get dev(): bigint {
    return this.#device(STATX_WORD.device);
  }

  get rdev(): bigint {
    return this.#device(STATX_WORD.special);
  }

  get mtimeNs(): bigint {
    return this.#time(STATX_WORD.mtime);
  }

  get ctimeNs(): bigint {
    return this.#time(STATX_WORD.ctime);
  }

  isFile(): boolean {
    return this.#is(S_IFREG);
  }

  isDirectory(): boolean {
    return this.#is(S_IFDIR);
  }

  isSymbolicLink(): boolean {
    return this.#is(S_IFLNK);
  }

  isCharacterDevice(): boolean {
    return this.#is(S_IFCHR);
  }

  isBlockDevice(): boolean {
    return this.#is(S_IFBLK);
  }

  isFIFO(): boolean {
    return this.#is(S_IFIFO);
  }

  isSocket(): boolean {
    return this.#is(S_IFSOCK);
  }

  #is(type: number): boolean {
    return (this.#mode & S_IFMT) === type;
  }

  #wide(at: number): bigint {
    const high = this.#words[at + 1] ?? 0;
    const low = BigInt(this.#words[at] ?? 0);
    return high === 0 ? low : (BigInt(high) << 32n) | low;
  }

  #device(at: number): bigint {
    return encodeDevice(this.#words[at] ?? 0, this.#words[at + 1] ?? 0);
  }

  /** Seconds are signed. */
  #time(at: number): bigint {
    return BigInt.asIntN(64, this.#wide(at)) * NANOSECONDS + BigInt(this.#words[at + 2] ?? 0);
  }
}
