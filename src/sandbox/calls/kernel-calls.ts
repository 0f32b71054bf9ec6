import { constants } from 'node:fs';
import { MNT_DETACH, O_CLOEXEC } from '../../support/syscalls.js';
import type { Argument, Call, CallList, CallOptions, Memory } from './call-list.js';

export const AT_FDCWD = -100;
const AT_EMPTY_PATH_MOVE = 4;

/** Errors of what the kernel may not have, or may not allow. */
export const IMPOSSIBLE: readonly string[] = ['EPERM', 'EACCES', 'EINVAL', 'ENODEV'];

/** mount(2). `source`, `type` and `data` may be `null`. */
export function mount(
  calls: CallList,
  options: {
    readonly source: string | null;
    readonly target: string;
    readonly type?: string;
    readonly flags?: number;
    readonly data?: string;
  },
  next?: CallOptions,
): Call {
  const { source, target, type, flags = 0, data } = options;
  const text = (value: string | null | undefined): Argument =>
    value === null || value === undefined ? 0 : calls.text(value);
  return calls.call('mount', [text(source), calls.text(target), text(type), flags, text(data)], next);
}

export function unmount(calls: CallList, target: string, next?: CallOptions): void {
  calls.call('umount2', [calls.text(target), MNT_DETACH], next);
}

/** Options of fsconfig(2): a value of `true` sets a flag. */
export type MountOption = readonly [name: string, value: string | true];

/**
 * Mounts a file system through fsopen(2), fsconfig(2) and move_mount(2) (Linux 5.2): its options are not limited to a page as those
 * of mount(2) are. `attributes` are `MOUNT_ATTRIBUTE`s.
 */
export function mountWithOptions(calls: CallList, { type, target, options, attributes }: MountWithOptions): void {
  const context = { resultOf: calls.call('fsopen', [calls.text(type), 1]) };
  for (const [name, value] of options) {
    const [command, argument] = value === true ? [0, 0] : [1, calls.text(value)];
    calls.call('fsconfig', [context, command, calls.text(name), argument, 0]);
  }
  calls.call('fsconfig', [context, 6, 0, 0, 0]);
  const mounted = { resultOf: calls.call('fsmount', [context, 1, attributes]) };
  calls.call('move_mount', [mounted, calls.text(''), AT_FDCWD, calls.text(target), AT_EMPTY_PATH_MOVE]);
  calls.call('close', [mounted]);
  calls.call('close', [context]);
}

export interface MountWithOptions {
  readonly type: string;
  readonly target: string;
  readonly options: readonly MountOption[];
  readonly attributes: number;
}

export function makeDirectory(calls: CallList, path: string, mode: number): void {
  calls.call('mkdirat', [AT_FDCWD, calls.text(path), mode]);
}

export function makeLink(calls: CallList, path: string, target: string): void {
  calls.call('symlinkat', [calls.text(target), AT_FDCWD, calls.text(path)]);
}

/** mknod(2). `mode` has the type's bits and the permissions. */
export function makeNode(
  calls: CallList,
  { path, mode, device = 0n }: { readonly path: string; readonly mode: number; readonly device?: bigint },
  next?: CallOptions,
): Call {
  return calls.call('mknodat', [AT_FDCWD, calls.text(path), mode, device], next);
}

export function makeFile(calls: CallList, path: string, mode: number): void {
  makeNode(calls, { path, mode: constants.S_IFREG | mode });
}

/** A new file, whose content is written by one call: not for files on a disk. */
export function writeFile(
  calls: CallList,
  { path, content, mode }: { readonly path: string; readonly content: Uint8Array; readonly mode: number },
): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | O_CLOEXEC;
  const file = { resultOf: calls.call('openat', [AT_FDCWD, calls.text(path), flags, mode]) };
  if (content.length > 0) calls.call('write', [file, calls.data(content), content.length]);
  calls.call('close', [file]);
}

export function changeDirectory(calls: CallList, path: string): void {
  calls.call('chdir', [calls.text(path)]);
}

/** openat(2) of an existing file. @returns the descriptor, as an argument for later calls */
export function openPath(
  calls: CallList,
  { path, flags }: { readonly path: string | Memory; readonly flags: number },
  next?: CallOptions,
): { readonly resultOf: Call } {
  const name = typeof path === 'string' ? calls.text(path) : path;
  return { resultOf: calls.call('openat', [AT_FDCWD, name, flags | O_CLOEXEC], next) };
}

/** Structures of 32 or 64-bit numbers in a row, as the kernel takes them. */
export function words(calls: CallList, bits: 32 | 64, values: readonly (number | bigint)[]): Memory {
  const bytes = Buffer.alloc((bits / 8) * values.length);
  values.forEach((value, index) => {
    if (bits === 64) bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), index * 8);
    else bytes.writeUInt32LE(Number(BigInt.asUintN(32, BigInt(value))), index * 4);
  });
  return calls.data(bytes);
}

export function changeOwner(
  calls: CallList,
  { path, uid, gid }: { readonly path: string; readonly uid: number; readonly gid: number },
  next?: CallOptions,
): Call {
  return calls.call('fchownat', [AT_FDCWD, calls.text(path), uid, gid, 0], next);
}

export function changeMode(calls: CallList, path: string, mode: number): void {
  calls.call('fchmodat', [AT_FDCWD, calls.text(path), mode]);
}
