import { constants, fstatSync, mkdirSync, openSync, readlinkSync, statfsSync, writeFileSync } from 'node:fs';
import { bufferOf, bytesOfText, byteString, textOfBytes, type ByteString } from '../../support/byte-string.js';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';
import { closeDescriptor, O_CLOEXEC, O_PATH, openInRoot, RESOLVE } from '../../support/syscalls.js';
import { keepTimes } from './times.js';

/**
 * Paths inside a root file system that is not to be trusted: its symbolic links, absolute or with any number of "..", lead
 * nowhere but into it again (openat2(2), RESOLVE_IN_ROOT). Everything found is held by an O_PATH descriptor.
 */
export interface Root {
  readonly descriptor: number;
  /** What had to be made, in order. Its descriptors are to be closed with `removeStubs`. */
  readonly stubs: Stub[];
}

/** An empty file or directory, made to mount something on it. */
export interface Stub {
  /** The directory it was made in, and itself: open descriptors. */
  readonly parent: number;
  readonly node: number;
  readonly name: ByteString;
  readonly kind: TargetKind;
}
export type TargetKind = 'directory' | 'file';

const MAX_LINKS = 40;
const PROC_SUPER_MAGIC = 0x9fa0;
const SYSFS_MAGIC = 0x62656572;

export const descriptorPath = (descriptor: number): string => `/proc/self/fd/${descriptor}`;

/** The path by which others find what this process has open, as long as they see the same /proc. */
export function pathForOthers(descriptor: number): string {
  own ??= readlinkSync('/proc/self');
  return `/proc/${own}/fd/${descriptor}`;
}
/** This process's number in the /proc that it sees. */
let own: string | undefined;

/** The path of `name` in an open directory; `name` is one component. */
export function childPath(directory: number, name: ByteString): Buffer {
  return Buffer.concat([Buffer.from(`${descriptorPath(directory)}/`), bufferOf(name)]);
}

export function openDirectory(path: string): number {
  return openSync(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}

/** A descriptor of an existing path, or `undefined`. With `symlinks: false` no component may be a symbolic link. */
export function openExisting(
  root: number,
  path: ByteString,
  options: { readonly symlinks: boolean; readonly directory?: boolean },
): number | undefined {
  const resolve = RESOLVE.inRoot | RESOLVE.noMagiclinks | (options.symlinks ? 0 : RESOLVE.noSymlinks);
  const flags = O_PATH | O_CLOEXEC | (options.directory === true ? constants.O_DIRECTORY : 0);
  try {
    return openInRoot(root, path, { flags, resolve });
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * A descriptor of the place to mount something on, which is made when it is missing; a dangling symbolic link is left, and
 * what it points to is made.
 * @throws `SANDBOX_FAILED` when it is of the wrong kind, or lies in /proc or /sys
 */
export function openTarget(root: Root, target: string, kind: TargetKind): number {
  const descriptor = attempt(target, () => openOrMake(root, bytesOfText(target), { kind, linksLeft: MAX_LINKS }));
  if ((kind === 'directory') !== fstatSync(descriptor).isDirectory()) {
    throw cannotMount(target, kind === 'directory' ? 'it is not a directory' : 'it is a directory');
  }
  // What is mounted over the root is either not seen by the step or all that it sees.
  if (isSame(descriptor, root.descriptor)) throw cannotMount(target, 'it is the root');
  // What hides parts of the kernel's file systems must not be mounted over.
  const { type } = statfsSync(descriptorPath(descriptor));
  if (type === PROC_SUPER_MAGIC || type === SYSFS_MAGIC) throw cannotMount(target, 'it lies in /proc or /sys');
  return descriptor;
}

/** As `openTarget`, for the kernel's own directories (`/proc`): they must not be symbolic links (CVE-2026-41579). */
export function openSystemTarget(root: Root, target: string): number {
  return attempt(target, () => {
    const path = bytesOfText(target);
    const existing = openExisting(root.descriptor, path, { symlinks: false, directory: true });
    return existing ?? openOrMake(root, path, { kind: 'directory', linksLeft: 0 });
  });
}

function isSame(left: number, right: number): boolean {
  const [a, b] = [fstatSync(left, { bigint: true }), fstatSync(right, { bigint: true })];
  return a.ino === b.ino && a.dev === b.dev;
}

export function cannotMount(target: string, state: string, cause?: unknown): TsbuildError {
  return new TsbuildError('SANDBOX_FAILED', `cannot mount "${target}": ${state}`, { cause });
}

const STATES: Readonly<Record<string, string>> = {
  ELOOP: 'it is a symbolic link, or behind too many of them',
  ENOTDIR: 'a part of its path is not a directory',
  EROFS: 'it does not exist, and cannot be made in the read-only mount that it lies in',
  ENOSYS: 'the kernel lacks openat2(2), which came with Linux 5.6',
};

function attempt(target: string, open: () => number): number {
  try {
    return open();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined || error instanceof TsbuildError) throw error;
    throw cannotMount(target, STATES[code] ?? code, error);
  }
}

interface Wanted {
  readonly kind: TargetKind;
  readonly linksLeft: number;
}

function openOrMake(root: Root, path: ByteString, wanted: Wanted): number {
  const existing = openExisting(root.descriptor, path, { symlinks: true });
  if (existing !== undefined) return existing;
  const { parent: parentPath, name } = split(path);
  const parent = openOrMake(root, parentPath, { ...wanted, kind: 'directory' });
  let kept = false;
  try {
    if (name === '..') return openOrMake(root, path, wanted);
    const link = linkTarget(parent, name);
    if (link === undefined) {
      const stub = makeStub(parent, name, wanted.kind);
      root.stubs.push(stub);
      kept = true;
      return openOwn(parent, name);
    }
    if (wanted.linksLeft === 0) throw cannotMount(textOfBytes(path), STATES['ELOOP'] ?? '');
    // Joined as text and resolved by the kernel: ".." must be taken from where the parent really is.
    const next = (link.startsWith('/') ? link : `${parentPath}/${link}`) as ByteString;
    return openOrMake(root, next, { ...wanted, linksLeft: wanted.linksLeft - 1 });
  } finally {
    if (!kept) closeDescriptor(parent);
  }
}

/** `/a/b/.` → `/a/`, `b`. */
function split(path: ByteString): { readonly parent: ByteString; readonly name: ByteString } {
  const trimmed = path.replace(/(\/+\.?)+$/, '');
  const slash = trimmed.lastIndexOf('/');
  return { parent: (trimmed.slice(0, slash + 1) || '/') as ByteString, name: trimmed.slice(slash + 1) as ByteString };
}

function linkTarget(parent: number, name: ByteString): ByteString | undefined {
  try {
    return byteString(readlinkSync(childPath(parent, name), 'buffer'));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function makeStub(parent: number, name: ByteString, kind: TargetKind): Stub {
  const path = childPath(parent, name);
  keepTimes(parent, () => {
    if (kind === 'directory') mkdirSync(path, { mode: 0o755 });
    else writeFileSync(path, '', { flag: 'wx', mode: 0o644 });
  });
  return { parent, node: openOwn(parent, name), name, kind };
}

function openOwn(parent: number, name: ByteString): number {
  return openInRoot(parent, name, {
    flags: O_PATH | O_CLOEXEC | constants.O_NOFOLLOW,
    resolve: RESOLVE.beneath | RESOLVE.noSymlinks,
  });
}

/** Whether an open descriptor is on the kernel's own proc file system, not on something that looks like it. */
export function isProc(descriptor: number): boolean {
  return statfsSync(descriptorPath(descriptor)).type === PROC_SUPER_MAGIC;
}
