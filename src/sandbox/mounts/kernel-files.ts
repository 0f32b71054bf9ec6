import { readdirSync, statfsSync } from 'node:fs';
import { bytesOfText, textOfBytes, type ByteString } from '../../support/byte-string.js';
import { systemErrorCode } from '../../support/errors.js';
import { closeDescriptor, mount, MOUNT_ATTRIBUTE, MS } from '../../support/syscalls.js';
import { addAttributes } from './attributes.js';
import { unlessImpossible } from './devices.js';
import { cannotMount, descriptorPath, isProc, openExisting, openSystemTarget, type Root } from './rooted.js';
import type { Parts } from './parts.js';

/** What Docker hides of /proc and /sys, and what it makes read-only (moby, oci/defaults.go). */
export const MASKED_PROC: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
];
const MASKED_SYS = ['/sys/firmware', '/sys/devices/virtual/powercap'];
export const READ_ONLY: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];
const CPUS = '/sys/devices/system/cpu';
const CGROUP2_SUPER_MAGIC = 0x63677270;

const INERT = MS.nosuid | MS.nodev | MS.noexec;
const INERT_ATTRIBUTES =
  MOUNT_ATTRIBUTE.rdonly | MOUNT_ATTRIBUTE.nosuid | MOUNT_ATTRIBUTE.nodev | MOUNT_ATTRIBUTE.noexec;

/**
 * The kernel's view of itself, read-only but for a step without walls. A fresh sysfs needs a network namespace that belongs to the same user namespace
 * (sysfs(5)); without one, the host's is bound, with everything below it.
 */
export function mountSys(root: Root, parts: Parts, { writable }: { readonly writable: boolean }): void {
  const flags = writable ? INERT : INERT | MS.rdonly;
  const target = openSystemTarget(root, '/sys');
  try {
    const path = descriptorPath(target);
    const fresh = unlessImpossible(() => {
      mount({ source: 'sysfs', target: path, type: 'sysfs', flags });
    });
    if (!fresh) mount({ source: '/sys', target: path, flags: MS.bind | MS.rec });
    if (!fresh && !writable) within(root, '/sys', makeReadOnly);
  } finally {
    closeDescriptor(target);
  }
  within(root, '/sys/fs/cgroup', (path) => {
    mountCgroup(path, flags);
  });
  if (!writable) mask(root, [...MASKED_SYS, ...thermalThrottles()], parts);
}

/** The step's own cgroup as the root of all (cgroup_namespaces(7)), or nothing: the host's tree names its other users. */
function mountCgroup(path: string, flags: number): void {
  const unified = unlessImpossible(() => {
    if (statfsSync('/sys/fs/cgroup').type !== CGROUP2_SUPER_MAGIC) throw new NoUnifiedHierarchy();
    mount({ source: 'cgroup', target: path, type: 'cgroup2', flags });
  });
  if (!unified) mount({ source: 'cgroup', target: path, type: 'tmpfs', flags, data: 'mode=755,size=4k' });
}

class NoUnifiedHierarchy extends Error {
  readonly code = 'ENODEV';
}

/** Hides and locks what a step has no business with. Who mounted /proc is not to be trusted: the kernel says what it is. */
export function protectProc(root: Root, parts: Parts): void {
  const proc = openSystemTarget(root, '/proc');
  const genuine = isProc(proc);
  closeDescriptor(proc);
  if (!genuine) throw cannotMount('/proc', 'the mounted file system is not proc');
  for (const path of READ_ONLY) {
    within(root, path, (source) => {
      mount({ source, target: source, flags: MS.bind | MS.rec });
    });
    within(root, path, makeReadOnly);
  }
  mask(root, MASKED_PROC, parts);
}

function mask(root: Root, paths: readonly string[], { emptyDirectory, emptyFile }: Parts): void {
  for (const path of paths) {
    within(root, path, (target, directory) => {
      mount({ source: directory ? emptyDirectory : emptyFile, target, flags: MS.bind });
    });
  }
}

/** Temperatures tell steps what the others compute (CVE-2019-11157 and its kin). */
function thermalThrottles(): readonly string[] {
  try {
    const cpus = readdirSync(CPUS).filter((name) => /^cpu\d+$/.test(name));
    return cpus.map((name) => `${CPUS}/${name}/thermal_throttle`);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Does something to a path of /proc or /sys, unless this kernel lacks it. */
function within(root: Root, path: string, act: (path: string, directory: boolean) => void): void {
  const name: ByteString = bytesOfText(path);
  const directory = tryOpen(root, name, true);
  const descriptor = directory ?? tryOpen(root, name, false);
  if (descriptor === undefined) return;
  try {
    act(descriptorPath(descriptor), directory !== undefined);
  } finally {
    closeDescriptor(descriptor);
  }
}

function tryOpen(root: Root, path: ByteString, directory: boolean): number | undefined {
  try {
    return openExisting(root.descriptor, path, { symlinks: false, directory });
  } catch (error) {
    if (directory && systemErrorCode(error) === 'ENOTDIR') return undefined;
    throw cannotMount(textOfBytes(path), systemErrorCode(error) ?? 'unknown error', error);
  }
}

/** With everything mounted below it. */
function makeReadOnly(path: string): void {
  addAttributes(path, INERT_ATTRIBUTES, { recursive: true });
}
