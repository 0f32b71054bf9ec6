import { readdirSync, statfsSync } from 'node:fs';
import { systemErrorCode } from '../../support/errors.js';
import { MOUNT_ATTRIBUTE, MS } from '../../support/syscalls.js';
import type { CallList } from '../calls/call-list.js';
import { IMPOSSIBLE, mount, unmount } from '../calls/kernel-calls.js';
import { addAttributes, readMounts, type MountPoint } from './attributes.js';
import type { Parts } from './parts.js';

/** What Docker hides of /proc and /sys, and what it makes read-only (moby, oci/defaults.go). */
const MASKED_PROC = [
  'acpi',
  'asound',
  'interrupts',
  'kcore',
  'keys',
  'latency_stats',
  'sched_debug',
  'scsi',
  'timer_list',
  'timer_stats',
];
const MASKED_SYS = ['firmware', 'devices/virtual/powercap'];
const READ_ONLY_PROC = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'];
const CPUS = 'devices/system/cpu';
const CGROUP2_SUPER_MAGIC = 0x63677270;

const INERT = MS.nosuid | MS.nodev | MS.noexec;
const INERT_ATTRIBUTES =
  MOUNT_ATTRIBUTE.rdonly | MOUNT_ATTRIBUTE.nosuid | MOUNT_ATTRIBUTE.nodev | MOUNT_ATTRIBUTE.noexec;

// Below mounts that the kernel itself has just filled: nothing in them leads elsewhere, and their paths can be used as they are.

/**
 * The kernel's view of itself, read-only but for a step without walls. A fresh sysfs needs a network namespace that belongs to the same user namespace
 * (sysfs(5)); without one, the host's is bound, with everything below it.
 */
export function mountSys(calls: CallList, parts: Parts, { writable }: { readonly writable: boolean }): void {
  const { sys } = parts;
  const flags = writable ? INERT : INERT | MS.rdonly;
  const fresh = calls.label();
  mount(calls, { source: 'sysfs', target: sys, type: 'sysfs', flags }, { tolerate: IMPOSSIBLE, onZero: fresh });
  mount(calls, { source: '/sys', target: sys, flags: MS.bind | MS.rec });
  if (!writable)
    addAttributes(calls, { path: sys, attributes: INERT_ATTRIBUTES, recursive: true }, () => hostMounts(sys));
  calls.place(fresh);
  mountCgroup(calls, `${sys}/fs/cgroup`, flags);
  if (!writable)
    mask(
      calls,
      parts,
      [...MASKED_SYS, ...thermalThrottles()].map((name) => `${sys}/${name}`),
    );
}

/** Of the host's /sys, as they are below a copy of it. */
function hostMounts(sys: string): readonly MountPoint[] {
  return readMounts('/proc/self/mountinfo')
    .filter(({ path }) => path === '/sys' || path.startsWith('/sys/'))
    .map(({ path, flags }) => ({ path: path.replace('/sys', sys), flags }));
}

export function unmountSys(calls: CallList, { sys }: Parts): void {
  unmount(calls, sys);
}

/** The step's own cgroup as the root of all (cgroup_namespaces(7)), or nothing: the host's tree names its other users. */
function mountCgroup(calls: CallList, target: string, flags: number): void {
  const done = calls.label();
  if (hasUnifiedHierarchy()) {
    const unified = { source: 'cgroup', target, type: 'cgroup2', flags };
    mount(calls, unified, { tolerate: [...IMPOSSIBLE, 'ENOENT'], onZero: done });
  }
  const empty = { source: 'cgroup', target, type: 'tmpfs', flags, data: 'mode=755,size=4k' };
  mount(calls, empty, { tolerate: ['ENOENT'] });
  calls.place(done);
}

function hasUnifiedHierarchy(): boolean {
  try {
    return statfsSync('/sys/fs/cgroup').type === CGROUP2_SUPER_MAGIC;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
}

/** Hides and locks what a step has no business with. */
export function protectProc(calls: CallList, parts: Parts): void {
  for (const name of READ_ONLY_PROC) {
    const path = `${parts.proc}/${name}`;
    const missing = calls.label();
    mount(calls, { source: path, target: path, flags: MS.bind }, { tolerate: ['ENOENT'], otherwise: missing });
    addAttributes(calls, { path, attributes: INERT_ATTRIBUTES, recursive: false }, () => [{ path, flags: 0 }]);
    calls.place(missing);
  }
  mask(
    calls,
    parts,
    MASKED_PROC.map((name) => `${parts.proc}/${name}`),
  );
}

/** Takes away what hides and locks parts of the /proc that was made ahead. */
export function unprotectProc(calls: CallList, { proc }: Parts): void {
  for (const name of [...MASKED_PROC, ...READ_ONLY_PROC]) {
    // EINVAL: nothing is mounted there.
    unmount(calls, `${proc}/${name}`, { tolerate: ['ENOENT', 'EINVAL'] });
  }
}

/** Unless this kernel lacks it. */
function mask(calls: CallList, { emptyDirectory, emptyFile }: Parts, paths: readonly string[]): void {
  for (const target of paths) {
    const done = calls.label();
    const tolerate = { tolerate: ['ENOENT', 'ENOTDIR'] };
    mount(calls, { source: emptyDirectory, target, flags: MS.bind }, { ...tolerate, onZero: done });
    mount(calls, { source: emptyFile, target, flags: MS.bind }, { tolerate: ['ENOENT'] });
    calls.place(done);
  }
}

/** Temperatures tell steps what the others compute (CVE-2019-11157 and its kin). */
function thermalThrottles(): readonly string[] {
  try {
    const cpus = readdirSync(`/sys/${CPUS}`).filter((name) => /^cpu\d+$/.test(name));
    return cpus.map((name) => `${CPUS}/${name}/thermal_throttle`);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
