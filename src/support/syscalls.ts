import { createRequire } from 'node:module';
import { constants as os } from 'node:os';
import type koffi from 'koffi';
import { bufferOf, byteString, type ByteString } from './byte-string.js';

/**
 * System calls that Node lacks, over koffi. The library is loaded at the first call (7 to 13 ms), never at import.
 *
 * Calls act on the calling thread, as the kernel has it: `unshare`, `setns`, `capset`, the ids and the seccomp filter of one
 * worker thread leave the others as they are. Every call throws a `SyscallError` on failure.
 */

/** Values of Linux's headers, the same on x86-64 and arm64 unless they stand in `SYSCALL_NUMBERS`. */
export const MS = {
  rdonly: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  remount: 32,
  bind: 4096,
  move: 8192,
  rec: 16384,
  private: 0x40000,
  slave: 0x80000,
  strictatime: 0x1000000,
} as const;
export const MNT_DETACH = 2;
export const CLONE = {
  newns: 0x20000,
  newcgroup: 0x02000000,
  newuts: 0x04000000,
  newipc: 0x08000000,
  newuser: 0x10000000,
  newpid: 0x20000000,
  newnet: 0x40000000,
  fs: 0x200,
} as const;
/** Attributes of mount_setattr(2). */
export const MOUNT_ATTRIBUTE = { rdonly: 1, nosuid: 2, nodev: 4, noexec: 8 } as const;
export const LOCK = { shared: 1, exclusive: 2, nonblocking: 4, unlock: 8 } as const;
export const RESOLVE = { noMagiclinks: 0x02, noSymlinks: 0x04, beneath: 0x08, inRoot: 0x10 } as const;
export const S_IFMT = { fifo: 0o010000, character: 0o020000, block: 0o060000, socket: 0o140000 } as const;
/** Of open(2), where Node has no constant for it. */
export const O_PATH = 0x200000;
export const O_CLOEXEC = 0x80000;
/** For a directory: paths are those of the process. */
export const AT_FDCWD = -100;

interface Numbers {
  readonly statx: number;
  readonly setgroups: number;
  readonly setresuid: number;
  readonly setresgid: number;
  readonly capset: number;
  readonly seccomp: number;
}
const SYSCALL_NUMBERS: Readonly<Record<string, Numbers>> = {
  x64: { statx: 332, setgroups: 116, setresuid: 117, setresgid: 119, capset: 126, seccomp: 317 },
  arm64: { statx: 291, setgroups: 159, setresuid: 147, setresgid: 149, capset: 91, seccomp: 277 },
};
/** These have one number on every architecture: they came after the table was unified (Linux 5.1). */
const UNIFIED = {
  closeRange: 436,
  openat2: 437,
  mountSetattr: 442,
} as const;

/** A failed system call. `code` is the name of errno, as in Node's own errors. */
export class SyscallError extends Error {
  override readonly name = 'SyscallError';
  readonly syscall: string;
  readonly errno: number;
  readonly code: string;
  constructor(syscall: string, errno: number, subject: string) {
    const code = errnoName(errno);
    super(`${code}: ${syscall}${subject === '' ? '' : ` '${subject}'`}`);
    this.syscall = syscall;
    this.errno = errno;
    this.code = code;
  }
}

/** `ENOENT` for 2. */
export function errnoName(errno: number): string {
  // The first of a number's names: EAGAIN, not EWOULDBLOCK.
  const [name] = Object.entries(os.errno).find(([, number]) => number === errno) ?? [];
  return name ?? `errno ${errno}`;
}

type Koffi = typeof koffi;
type LibraryFunction = ReturnType<ReturnType<Koffi['load']>['func']>;
interface Libc {
  readonly koffi: Koffi;
  readonly numbers: Numbers;
  readonly call: (signature: string) => LibraryFunction;
}
let loaded: Libc | undefined;

/** Ahead of the first call, for a thread that may be ended at any time: it must not be while the library is being loaded. */
export function loadSystemCalls(): void {
  libc();
}

function libc(): Libc {
  if (loaded !== undefined) return loaded;
  const koffi = createRequire(import.meta.url)('koffi') as Koffi;
  // The symbols of the running process: glibc or musl, whichever Node is linked to.
  const library = koffi.load(null);
  const functions = new Map<string, LibraryFunction>();
  const call = (signature: string): LibraryFunction => {
    const known = functions.get(signature);
    if (known !== undefined) return known;
    const made = library.func(signature);
    functions.set(signature, made);
    return made;
  };
  const numbers = SYSCALL_NUMBERS[process.arch];
  if (numbers === undefined) throw new Error(`tsbuild runs on x64 and arm64, not on ${process.arch}`);
  loaded = { koffi, numbers, call };
  return loaded;
}

export type Argument = string | number | bigint | Uint8Array | null;

/** The number of a memory's address, for structures that hold pointers. The caller keeps the memory alive. */
export function addressOf(memory: Uint8Array): bigint {
  return libc().koffi.address(memory);
}

/** A function of the C library. Its return value; throws when that is -1. */
export function invoke(signature: string, subject: string, args: readonly Argument[]): number {
  const { koffi, call } = libc();
  const result = Number(call(signature)(...args));
  if (result === -1) throw new SyscallError(/(\w+)\(/.exec(signature)?.[1] ?? signature, koffi.errno(), subject);
  return result;
}

/** The generic entry of the C library, for calls without a wrapper. Arguments are passed as registers. */
function invokeRaw(name: string, number: number, args: readonly Argument[]): number {
  const { koffi, call } = libc();
  const kinds = args.map((argument) =>
    typeof argument === 'number' || typeof argument === 'bigint' ? 'long' : 'const void *',
  );
  const result = Number(call(`long syscall(${['long', ...kinds].join(', ')})`)(number, ...args));
  if (result === -1) throw new SyscallError(name, koffi.errno(), '');
  return result;
}

const cString = (text: string | ByteString): Buffer => Buffer.concat([Buffer.from(text, 'utf8'), Buffer.alloc(1)]);
const cBytes = (bytes: ByteString): Buffer => Buffer.concat([bufferOf(bytes), Buffer.alloc(1)]);

export function closeDescriptor(descriptor: number): void {
  invoke('int close(int)', '', [descriptor]);
}

/** mknod(2). `mode` has the type's bits (`S_IFMT`) and the permissions; the umask applies. */
export function makeNode(
  path: ByteString,
  mode: number,
  device: { readonly major: number; readonly minor: number },
): void {
  invoke('int mknod(const void *, unsigned int, unsigned long)', path, [
    cBytes(path),
    mode,
    encodeDevice(device.major, device.minor),
  ]);
}

/** The kernel's "huge" encoding of a device number, as `stat.rdev` has it. */
export function encodeDevice(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return (low & 0xffn) | ((high & 0xfffn) << 8n) | ((low & ~0xffn) << 12n) | ((high & ~0xfffn) << 32n);
}

export function decodeDevice(device: bigint): { readonly major: number; readonly minor: number } {
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)),
    minor: Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)),
  };
}

/** Names of the extended attributes of a file, not following a symbolic link. Empty where the file system has none. */
export function listXattrs(path: ByteString): readonly ByteString[] {
  const buffer = growing(4096, (space) =>
    invoke('long llistxattr(const void *, void *, size_t)', path, [cBytes(path), space, space.length]),
  );
  if (buffer === undefined || buffer.length === 0) return [];
  return byteString(buffer.subarray(0, -1)).split('\0') as ByteString[];
}

/** The value of an extended attribute, or `undefined` when the file has none of that name. */
export function getXattr(path: ByteString, name: ByteString): Buffer | undefined {
  return growing(1024, (space) =>
    invoke('long lgetxattr(const void *, const void *, void *, size_t)', path, [
      cBytes(path),
      cBytes(name),
      space,
      space.length,
    ]),
  );
}

export function setXattr(path: ByteString, name: ByteString, value: Uint8Array): void {
  invoke('int lsetxattr(const void *, const void *, const void *, size_t, int)', path, [
    cBytes(path),
    cBytes(name),
    value,
    value.byteLength,
    0,
  ]);
}

export function removeXattr(path: ByteString, name: ByteString): void {
  invoke('int lremovexattr(const void *, const void *)', path, [cBytes(path), cBytes(name)]);
}

/** Calls with a larger buffer after ERANGE; `undefined` for "there is none". The kernel's limit is 64 KiB. */
function growing(size: number, attempt: (space: Buffer) => number): Buffer | undefined {
  const space = Buffer.alloc(size);
  try {
    return Buffer.from(space.subarray(0, attempt(space)));
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    if (error.code === 'ERANGE' && size < 1 << 16) return growing(1 << 16, attempt);
    if (error.code === 'ENODATA' || error.code === 'ENOTSUP' || error.code === 'EOPNOTSUPP') return undefined;
    throw error;
  }
}

/** flock(2) on an open file. With `LOCK.nonblocking`, returns whether the lock was taken. */
export function lockFile(descriptor: number, operation: number): boolean {
  try {
    invoke('int flock(int, int)', '', [descriptor, operation]);
    return true;
  } catch (error) {
    if (error instanceof SyscallError && (error.code === 'EWOULDBLOCK' || error.code === 'EAGAIN')) return false;
    throw error;
  }
}

/** Whoever renames without rest may make a path unresolvable for as long; runc tries 128 times. */
const MAX_RACES = 1000;

/**
 * openat2(2): opens `path` below `directory`, resolving it as `resolve` says; `RESOLVE.inRoot` keeps `..`, absolute paths
 * and symbolic links inside. Linux 5.6; throws ENOSYS before, EPERM under an old seccomp profile. Where something was renamed or
 * mounted anywhere on the machine while the kernel followed a `..`, it asks to be called again (EAGAIN).
 */
export function openInRoot(
  directory: number,
  path: ByteString,
  how: { readonly flags: number; readonly mode?: number; readonly resolve: number },
): number {
  const struct = Buffer.alloc(24);
  struct.writeBigUInt64LE(BigInt(how.flags), 0);
  struct.writeBigUInt64LE(BigInt(how.mode ?? 0), 8);
  struct.writeBigUInt64LE(BigInt(how.resolve), 16);
  for (let races = 0; ; races += 1) {
    try {
      return invokeRaw('openat2', UNIFIED.openat2, [directory, cBytes(path), struct, struct.length]);
    } catch (error) {
      if (!(error instanceof SyscallError) || error.code !== 'EAGAIN' || races === MAX_RACES) throw error;
    }
  }
}

/** utimensat(2) with nanoseconds, not following a symbolic link: Node's own calls keep microseconds only. */
export function setTimes(path: ByteString, mtime: { readonly seconds: number; readonly nanoseconds: number }): void {
  const times = Buffer.alloc(32);
  for (const offset of [0, 16]) {
    times.writeBigInt64LE(BigInt(mtime.seconds), offset);
    times.writeBigInt64LE(BigInt(mtime.nanoseconds), offset + 8);
  }
  invoke('int utimensat(int, const void *, const void *, int)', path, [AT_FDCWD, cBytes(path), times, 0x100]);
}

/** futimens(3): as `setTimes`, for an open file. */
export function setDescriptorTimes(
  descriptor: number,
  mtime: { readonly seconds: number; readonly nanoseconds: number },
): void {
  const times = Buffer.alloc(32);
  for (const offset of [0, 16]) {
    times.writeBigInt64LE(BigInt(mtime.seconds), offset);
    times.writeBigInt64LE(BigInt(mtime.nanoseconds), offset + 8);
  }
  invoke('int futimens(int, const void *)', '', [descriptor, times]);
}

/** syncfs(2): everything written to the file system of an open file is on the disk afterwards. */
export function syncFileSystem(descriptor: number): void {
  invoke('int syncfs(int)', '', [descriptor]);
}

/** Whether the kernel has mount_setattr(2). */
export function hasMountAttributes(): boolean {
  try {
    // A structure of no size is no structure.
    invokeRaw('mount_setattr', UNIFIED.mountSetattr, [AT_FDCWD, cString(''), 0, Buffer.alloc(0), 0]);
    return true;
  } catch (error) {
    return error instanceof SyscallError && error.code !== 'ENOSYS';
  }
}

/** Of setrlimit(2), as the kernel has it: all ones for no limit. */
export interface KernelLimit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/** prlimit(2): a limit of this whole process, whatever thread asks. */
export function resourceLimit(resource: number): KernelLimit {
  const old = Buffer.alloc(16);
  invoke('int prlimit(int, int, const void *, void *)', '', [0, resource, null, old]);
  return { soft: old.readBigUInt64LE(0), hard: old.readBigUInt64LE(8) };
}

/** A pipe whose ends no program inherits unless they are passed to it by number. */
export function openPipe(): { readonly read: number; readonly write: number } {
  const ends = Buffer.alloc(8);
  invoke('int pipe2(void *, int)', '', [ends, O_CLOEXEC]);
  return { read: ends.readInt32LE(0), write: ends.readInt32LE(4) };
}

/** ioctl(2). `argument` is passed as it is, or as a pointer to its bytes, which the kernel may change. @returns what the request gives */
export function ioctl(descriptor: number, request: number, argument: number | Uint8Array): number {
  if (typeof argument !== 'number')
    return invoke('int ioctl(int, unsigned long, void *)', '', [descriptor, request, argument]);
  return invoke('int ioctl(int, unsigned long, long)', '', [descriptor, request, argument]);
}

/** PATH_MAX of Linux, with its NUL. */
const PATH_SPACE = 4096;
const AT_SYMLINK_NOFOLLOW = 0x100;
const STATX_BASIC_STATS = 0x7ff;

/** Where a `FileLook` has what it has seen: indexes of 32-bit words of the kernel's `struct statx`, low words first. */
export const STATX_WORD = {
  links: 4,
  uid: 5,
  gid: 6,
  mode: 7,
  inode: 8,
  size: 10,
  ctime: 24,
  mtime: 28,
  special: 32,
  device: 34,
} as const;

/** For whoever looks at files by the thousand: lstat of Node makes six objects of each, and takes twice as long. */
export interface FileLook {
  /** As the last look left it. */
  readonly words: Uint32Array;
  /** statx(2) of a file by its path from an open directory, not following it. @returns whether it is there */
  at(directory: number, path: ByteString): boolean;
}

export function openFileLook(): FileLook {
  const { koffi, numbers, call } = libc();
  const statx = call('long syscall(long, long, const void *, long, long, void *)');
  const space = Buffer.alloc(PATH_SPACE);
  const words = new Uint32Array(64);
  return {
    words,
    at: (directory, path) => {
      if (path.length >= PATH_SPACE) throw new SyscallError('statx', os.errno.ENAMETOOLONG, path);
      space[space.write(path, 0, 'latin1')] = 0;
      if (Number(statx(numbers.statx, directory, space, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, words)) === 0)
        return true;
      const error = new SyscallError('statx', koffi.errno(), path);
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  };
}
