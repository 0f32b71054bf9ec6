import { chmodSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { bytesOfText } from '../../support/byte-string.js';
import { systemErrorCode } from '../../support/errors.js';
import { closeDescriptor, encodeDevice, makeNode, mount, MS, O_PATH, S_IFMT } from '../../support/syscalls.js';
import { cannotMount, descriptorPath, deviceOf, openSystemTarget, type Root } from './rooted.js';
import type { Parts } from './parts.js';

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
export function mountDevices(root: Root, { nodes }: Parts): void {
  const target = openSystemTarget(root, '/dev');
  const flags = MS.nosuid | MS.nodev | MS.strictatime;
  mount({ source: 'tmpfs', target: descriptorPath(target), type: 'tmpfs', flags, data: 'mode=755,size=65536k' });
  closeDescriptor(target);
  // Opened again: the descriptor from before is that of the directory underneath.
  const devices = openSystemTarget(root, '/dev');
  try {
    const path = descriptorPath(devices);
    for (const device of DEVICES) provideDevice(device, path, nodes);
    for (const [name, to] of LINKS) symlinkSync(to, `${path}/${name}`);
    for (const name of ['pts', 'shm', 'mqueue']) mkdirSync(`${path}/${name}`, { mode: 0o755 });
    mountTerminals(`${path}/pts`);
    mount({ source: 'shm', target: `${path}/shm`, type: 'tmpfs', flags: HIDDEN, data: 'mode=1777,size=65536k' });
    unlessImpossible(() => {
      mount({ source: 'mqueue', target: `${path}/mqueue`, type: 'mqueue', flags: HIDDEN });
    });
  } finally {
    closeDescriptor(devices);
  }
}

/** Made by real root; the host's in a user namespace, which may make none (mknod(2), EPERM). */
function provideDevice(device: Device, directory: string, nodes: string): void {
  const source = makeDevice(device, nodes) ?? openHostDevice(device);
  if (source === undefined) return;
  const path = `${directory}/${device.name}`;
  try {
    writeFileSync(path, '');
    mount({ source: descriptorPath(source), target: path, flags: MS.bind });
  } finally {
    closeDescriptor(source);
  }
}

function makeDevice(device: Device, nodes: string): number | undefined {
  const path = `${nodes}/${device.name}`;
  const made = unlessImpossible(() => {
    makeNode(bytesOfText(path), S_IFMT.character | 0o666, device);
    chmodSync(path, 0o666);
  });
  return made ? openSync(path, O_PATH) : undefined;
}

function openHostDevice({ name, major, minor }: Device): number | undefined {
  const path = `/dev/${name}`;
  let source: number;
  try {
    source = openSync(path, O_PATH);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' && name === 'tty') return undefined;
    throw cannotMount(path, 'this machine has none', error);
  }
  if (deviceOf(source) === Number(encodeDevice(major, minor))) return source;
  closeDescriptor(source);
  throw cannotMount(path, "this machine's is another device");
}

function mountTerminals(target: string): void {
  const flags = MS.nosuid | MS.noexec;
  const data = 'newinstance,ptmxmode=0666,mode=0620';
  const terminals = { source: 'devpts', target, type: 'devpts', flags };
  // Group 5 is "tty" in every distribution; a namespace with a single group has none.
  const withGroup = unlessImpossible(() => {
    mount({ ...terminals, data: `${data},gid=5` });
  });
  if (!withGroup) mount({ ...terminals, data });
}

const IMPOSSIBLE: ReadonlySet<string | undefined> = new Set(['EPERM', 'EACCES', 'EINVAL', 'ENODEV']);

/** Whether it worked, where the kernel may not have it or may not allow it. */
export function unlessImpossible(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (IMPOSSIBLE.has(systemErrorCode(error))) return false;
    throw error;
  }
}
