import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  statSync,
  type BigIntStats,
} from 'node:fs';
import { childPath, parentPath } from '../../support/byte-path.js';
import {
  byteString,
  bytesOfText,
  compareBytes,
  fsPath,
  textOfBytes,
  type ByteString,
} from '../../support/byte-string.js';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';

/** One component passed on the way to a file, by its path without leading slash. */
export type Passage =
  | { readonly kind: 'directory'; readonly path: ByteString }
  | { readonly kind: 'symlink'; readonly path: ByteString; readonly target: ByteString };

/** Where a path leads. `path` has no symbolic link in it, nor a leading slash. */
export interface Location {
  readonly path: ByteString;
  readonly kind: 'file' | 'directory';
  /** Every directory and symbolic link passed, in order, so that the same way can be made again in an image. */
  readonly passages: readonly Passage[];
  /** Names the file on the host, whatever its path. */
  readonly identity: string;
  readonly size: number;
  readonly executable: boolean;
}

/** As the kernel: path_resolution(7). */
const MAX_SYMLINKS = 40;
const CHUNK_BYTES = 1 << 20;

/**
 * The host's files, below `root` as if that were `/`: symbolic links, absolute ones too, are followed within it.
 * All methods @throw `USAGE` for what this user may not read.
 */
export class HostFiles {
  readonly #root: ByteString;

  constructor(root: string) {
    this.#root = bytesOfText(root.replace(/\/+$/, ''));
  }

  /** `undefined` when there is no such file, or it is neither a regular file nor a directory. */
  locate(path: ByteString): Location | undefined {
    const pending = componentsOf(path);
    const passages: Passage[] = [];
    let current = '' as ByteString;
    let links = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === '..') {
        current = parentPath(current);
        continue;
      }
      const next = childPath(current, name);
      const stats = this.#lstat(next);
      if (stats?.isSymbolicLink() === true) {
        links += 1;
        if (links > MAX_SYMLINKS) return undefined;
        const target = byteString(readlinkSync(this.#hostPath(next), 'buffer'));
        passages.push({ kind: 'symlink', path: next, target });
        if (target.startsWith('/')) current = '' as ByteString;
        pending.push(...componentsOf(target));
      } else if (stats?.isDirectory() === true) {
        passages.push({ kind: 'directory', path: next });
        current = next;
      } else {
        const isWanted = stats?.isFile() === true && pending.length === 0;
        return isWanted ? { path: next, kind: 'file', passages, ...describe(stats) } : undefined;
      }
    }
    const stats = statSync(this.#hostPath(current), { bigint: true });
    return { path: current, kind: 'directory', passages, ...describe(stats) };
  }

  /** The names in a directory, sorted bytewise; none when it is missing. */
  list(path: ByteString): readonly ByteString[] {
    const directory = this.locate(path);
    if (directory?.kind !== 'directory') return [];
    const names = this.#readable(directory.path, () =>
      readdirSync(this.#hostPath(directory.path), { encoding: 'buffer' }),
    );
    return names.map(byteString).sort(compareBytes);
  }

  /** Up to `length` bytes of a file from `offset` on; fewer only at its end. */
  readAt(path: ByteString, offset: number, length: number): Buffer {
    return this.#readable(path, () => {
      const descriptor = openSync(this.#hostPath(path), 'r');
      try {
        const buffer = Buffer.alloc(length);
        return buffer.subarray(0, readSync(descriptor, buffer, 0, length, offset));
      } finally {
        closeSync(descriptor);
      }
    });
  }

  /** The content of a file of `size` bytes. A chunk is valid until the next is asked for. */
  *read(path: ByteString, size: number): Generator<Uint8Array> {
    const descriptor = this.#readable(path, () => openSync(this.#hostPath(path), 'r'));
    try {
      const buffer = Buffer.allocUnsafe(Math.min(size + 1, CHUNK_BYTES));
      let total = 0;
      for (let count = readSync(descriptor, buffer); count > 0; count = readSync(descriptor, buffer)) {
        total += count;
        if (total > size) break;
        yield buffer.subarray(0, count);
      }
      if (total !== size) throw changedWhileRead(path);
    } finally {
      closeSync(descriptor);
    }
  }

  #hostPath(path: ByteString): string | Buffer {
    return fsPath(`${this.#root}/${path}` as ByteString);
  }

  #lstat(path: ByteString): BigIntStats | undefined {
    return this.#readable(path, () => {
      try {
        return lstatSync(this.#hostPath(path), { bigint: true });
      } catch (error) {
        if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(systemErrorCode(error) ?? '')) return undefined;
        throw error;
      }
    });
  }

  #readable<T>(path: ByteString, read: () => T): T {
    try {
      return read();
    } catch (error) {
      const code = systemErrorCode(error);
      if (code !== 'EACCES' && code !== 'EPERM') throw error;
      throw new TsbuildError('USAGE', `cannot read host file "/${textOfBytes(path)}": permission denied`, {
        hint: 'Bootstrap as a user who may read it, or leave out the program that needs it.',
        cause: error,
      });
    }
  }
}

/** Last component first, so that `pop` takes the next one. */
function componentsOf(path: ByteString): ByteString[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  return (names as ByteString[]).reverse();
}

function describe(stats: BigIntStats): Pick<Location, 'identity' | 'size' | 'executable'> {
  return {
    identity: `${stats.dev}:${stats.ino}`,
    size: Number(stats.size),
    executable: (stats.mode & 0o111n) !== 0n,
  };
}

function changedWhileRead(path: ByteString): TsbuildError {
  return new TsbuildError('USAGE', `cannot read host file "/${textOfBytes(path)}": it changed while it was read`, {
    hint: 'Bootstrap again when nothing installs software on this host.',
  });
}
