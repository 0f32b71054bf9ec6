import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mount, MS, unmount } from '../../support/syscalls.js';
import type { DeviceMount } from '../run-spec.js';
import { parseMountInfo } from './attributes.js';
import type { Parts } from './parts.js';

/** Beside the usual ones, what a step without walls has of the host's devices, as BuildKit gives it. */
const DEVICES = ['kmsg', 'cuse', 'fuse', 'kvm', 'net/tun', 'loop-control'];

export function privilegedDevices(): readonly DeviceMount[] {
  const loops = readdirSync('/dev').filter((name) => /^loop\d+$/.test(name));
  return [...DEVICES, ...loops]
    .map((name) => `/dev/${name}`)
    .filter((path) => existsSync(path))
    .map((path) => ({ type: 'device', source: path, target: path }));
}

/** Takes away what hides and locks parts of the /proc that was made ahead, and lets device nodes work in its /dev. */
export function unprotect({ path }: Parts): void {
  const proc = join(path, 'proc');
  const covers = parseMountInfo(readFileSync('/proc/thread-self/mountinfo', 'latin1'))
    .map((point) => point.path)
    .filter((point) => point.startsWith(`${proc}/`));
  // The last one mounted first.
  for (const cover of covers.reverse()) unmount(cover);
  mount({ source: null, target: join(path, 'dev'), flags: MS.remount | MS.bind | MS.nosuid | MS.strictatime });
}
