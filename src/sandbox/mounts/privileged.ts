import { existsSync, readdirSync } from 'node:fs';
import { MS } from '../../support/syscalls.js';
import type { CallList } from '../calls/call-list.js';
import { mount } from '../calls/kernel-calls.js';
import type { DeviceMount } from '../run-spec.js';
import { unprotectProc } from './kernel-files.js';
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
export function unprotect(calls: CallList, parts: Parts): void {
  unprotectProc(calls, parts);
  mount(calls, { source: null, target: parts.dev, flags: MS.remount | MS.bind | MS.nosuid | MS.strictatime });
}
