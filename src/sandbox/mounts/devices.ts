import { statSync } from 'node:fs';
import { systemErrorCode, type TsbuildError } from '../../support/errors.js';
import { encodeDevice, MS, S_IFMT } from '../../support/syscalls.js';
import { setupFailure } from '../calls/attempt.js';
import type { CallList } from '../calls/call-list.js';
import { IMPOSSIBLE, makeDirectory, makeFile, makeLink, makeNode, mount } from '../calls/kernel-calls.js';
import type { Parts } from './parts.js';
import { cannotMount } from './rooted.js';

/** Docker's default device nodes. A machine without a terminal may lack /dev/tty; without the others nothing works. */
export const DEVICES = [
  { name: 'null', major: 1, minor: 3 },
  { name: 'zero', major: 1, minor: 5 },
  { name: 'full', major: 1, minor: 7 },
  { name: 'random', major: 1, minor: 8 },
  { name: 'urandom', major: 1, minor: 9 },
  { name: 'tty', major: 5, minor: 0 },
] as const;
type Device = (typeof DEVICES)[number];

const LINKS = [
  ['ptmx', 'pts/ptmx'],
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['core', '/proc/kcore'],
] as const;

const HIDDEN = MS.nosuid | MS.nodev | MS.noexec;

/**
 * A /dev of its own (runtime-spec config-linux.md, "Default Devices"), with the sizes that Docker gives it. Device nodes work only
 * here, and only these: every file system that a step can write to is mounted `nodev`, /dev too, and the nodes are bound into it
 * from elsewhere. A step of real root may make nodes (CAP_MKNOD), and there may be no device cgroup to keep it from opening the
 * host's disk by one.
 */
export function mountDevices(calls: CallList, { nodes, dev }: Parts): void {
  const flags = MS.nosuid | MS.nodev | MS.strictatime;
  mount(calls, { source: 'tmpfs', target: dev, type: 'tmpfs', flags, data: 'mode=755,size=65536k' });
  for (const device of DEVICES) provideDevice(calls, device, { nodes, dev });
  for (const [name, to] of LINKS) makeLink(calls, `${dev}/${name}`, to);
  for (const name of ['pts', 'shm', 'mqueue']) makeDirectory(calls, `${dev}/${name}`, 0o755);
  mountTerminals(calls, `${dev}/pts`);
  mount(calls, { source: 'shm', target: `${dev}/shm`, type: 'tmpfs', flags: HIDDEN, data: 'mode=1777,size=65536k' });
  mount(calls, { source: 'mqueue', target: `${dev}/mqueue`, type: 'mqueue', flags: HIDDEN }, { tolerate: IMPOSSIBLE });
}

/** Made by real root; the host's in a user namespace, which may make none (mknod(2), EPERM). */
function provideDevice(calls: CallList, device: Device, { nodes, dev }: Pick<Parts, 'nodes' | 'dev'>): void {
  const { name, major, minor } = device;
  const [path, made, host] = [`${dev}/${name}`, `${nodes}/${name}`, `/dev/${name}`];
  const state = hostDevice(device);
  const [isMade, done] = [calls.label(), calls.label()];
  const optional = name === 'tty' && state === 'missing';
  const bind = (source: string): void => {
    makeFile(calls, path, 0o644);
    mount(calls, { source, target: path, flags: MS.bind }, { onZero: done });
  };
  const failure = (code: string): TsbuildError =>
    state === 'usable' ? setupFailure(`mount "${host}"`, code) : unusable(host, state);
  calls.during(failure, () => {
    const node = { path: made, mode: S_IFMT.character | 0o666, device: encodeDevice(major, minor) };
    const tolerate = state === 'usable' || optional ? IMPOSSIBLE : [];
    makeNode(calls, node, { onZero: isMade, tolerate, ...(optional ? { otherwise: done } : {}) });
    bind(host);
    calls.place(isMade);
    bind(made);
    calls.place(done);
  });
}

type HostDevice = 'usable' | 'missing' | 'other';

function hostDevice({ name, major, minor }: Device): HostDevice {
  try {
    const stat = statSync(`/dev/${name}`, { bigint: true });
    return stat.isCharacterDevice() && stat.rdev === encodeDevice(major, minor) ? 'usable' : 'other';
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return 'missing';
  }
}

const unusable = (path: string, state: HostDevice): TsbuildError =>
  cannotMount(path, state === 'missing' ? 'this machine has none' : "this machine's is another device");

function mountTerminals(calls: CallList, target: string): void {
  const flags = MS.nosuid | MS.noexec;
  const data = 'newinstance,ptmxmode=0666,mode=0620';
  const terminals = { source: 'devpts', target, type: 'devpts', flags };
  // Group 5 is "tty" in every distribution; a namespace with a single group has none.
  const done = calls.label();
  mount(calls, { ...terminals, data: `${data},gid=5` }, { onZero: done, tolerate: IMPOSSIBLE });
  mount(calls, { ...terminals, data });
  calls.place(done);
}
