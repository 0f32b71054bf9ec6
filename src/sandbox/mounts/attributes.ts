import { readFileSync } from 'node:fs';
import { hasMountAttributes, MOUNT_ATTRIBUTE, MS } from '../../support/syscalls.js';
import type { CallList } from '../calls/call-list.js';
import { AT_FDCWD, mount, words } from '../calls/kernel-calls.js';

const AT_RECURSIVE = 0x8000;

export interface Attributes {
  /** The mount, or a link to it. */
  readonly path: string;
  /** Of `MOUNT_ATTRIBUTE`: those that are added. */
  readonly attributes: number;
  /** To the mounts below as well. */
  readonly recursive: boolean;
}

/**
 * Adds attributes to a mount. `others` are asked for on kernels that take no attributes
 * (before Linux 5.12): the mounts that there are, as a mountinfo has them, with `path` for the one that is meant.
 */
export function addAttributes(
  calls: CallList,
  { path, attributes, recursive }: Attributes,
  others: () => readonly MountPoint[],
): void {
  modern ??= hasMountAttributes();
  if (modern) {
    const structure = words(calls, 64, [attributes, 0, 0, 0]);
    const flags = recursive ? AT_RECURSIVE : 0;
    calls.call('mount_setattr', [AT_FDCWD, calls.text(path), flags, structure, structure.size]);
    return;
  }
  for (const point of others()) {
    if (point.path !== path && !(recursive && point.path.startsWith(`${path}/`))) continue;
    // The two families of flags have the same values. What came from another user namespace cannot be taken away.
    mount(calls, { source: null, target: point.path, flags: MS.remount | MS.bind | point.flags | attributes });
  }
}

let modern: boolean | undefined;

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

/** The mounts of a namespace, by the mountinfo of a process in it. */
export function readMounts(file: string): readonly MountPoint[] {
  return parseMountInfo(readFileSync(file, 'latin1'));
}

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
