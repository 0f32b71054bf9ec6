import { readFileSync, readlinkSync } from 'node:fs';
import { systemErrorCode } from '../../support/errors.js';
import { mount, MOUNT_ATTRIBUTE, MS, setMountAttributes } from '../../support/syscalls.js';

/** Adds `MOUNT_ATTRIBUTE`s to the mount at `path` (a link in /proc/self/fd will do), and with `recursive` to those below. */
export function addAttributes(path: string, attributes: number, options: { readonly recursive: boolean }): void {
  try {
    setMountAttributes(path, attributes, options);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOSYS') throw error;
    remount(readlinkSync(path), attributes, options);
  }
}

/** Before Linux 5.12, one by one, each with the flags it has: what came from another user namespace cannot be taken away. */
function remount(top: string, attributes: number, { recursive }: { readonly recursive: boolean }): void {
  for (const { path, flags } of parseMountInfo(readFileSync('/proc/thread-self/mountinfo', 'latin1'))) {
    if (path !== top && !(recursive && path.startsWith(`${top}/`))) continue;
    // The two families of flags have the same values.
    mount({ source: null, target: path, flags: MS.remount | MS.bind | flags | attributes });
  }
}

export interface MountPoint {
  readonly path: string;
  /** Of `MOUNT_ATTRIBUTE`. */
  readonly flags: number;
}

const FLAG_NAMES: Readonly<Record<string, number>> = {
  ro: MOUNT_ATTRIBUTE.rdonly,
  nosuid: MOUNT_ATTRIBUTE.nosuid,
  nodev: MOUNT_ATTRIBUTE.nodev,
  noexec: MOUNT_ATTRIBUTE.noexec,
};

/** The mounts of a namespace, from its mountinfo (proc_pid_mountinfo(5)). */
export function parseMountInfo(text: string): readonly MountPoint[] {
  return text.split('\n').flatMap((line) => {
    const [, , , , point, options] = line.split(' ');
    if (point === undefined || options === undefined) return [];
    const flags = options.split(',').reduce((sum, name) => sum | (FLAG_NAMES[name] ?? 0), 0);
    const path = point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    return [{ path, flags }];
  });
}
