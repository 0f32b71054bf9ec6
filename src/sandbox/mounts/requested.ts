import { constants, openSync, statSync } from 'node:fs';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';
import { closeDescriptor, mount, MOUNT_ATTRIBUTE, MS, O_PATH } from '../../support/syscalls.js';
import type { Mount } from '../run-spec.js';
import { addAttributes } from './attributes.js';
import { cannotMount, descriptorPath, openTarget, type Root } from './rooted.js';

/** The mounts that a step asks for, in order. */
export function mountRequested(root: Root, mounts: readonly Mount[]): void {
  for (const wanted of mounts) {
    if (wanted.type === 'bind') bind(root, wanted);
    else mountMemory(root, wanted);
  }
}

function mountMemory(root: Root, { target, sizeBytes }: Extract<Mount, { type: 'tmpfs' }>): void {
  const size = sizeBytes === undefined ? '' : `,size=${Math.ceil(sizeBytes)}`;
  on(root, { path: target, kind: 'directory' }, (path) => {
    mount({ source: 'tmpfs', target: path, type: 'tmpfs', flags: MS.nosuid | MS.nodev, data: `mode=1777${size}` });
  });
}

function bind(root: Root, wanted: Extract<Mount, { type: 'bind' }>): void {
  const source = openSource(wanted);
  try {
    const kind = statSync(descriptorPath(source)).isDirectory() ? 'directory' : 'file';
    const target = { path: wanted.target, kind } as const;
    on(root, target, (path) => {
      mount({ source: descriptorPath(source), target: path, flags: MS.bind });
    });
    const attributes = MOUNT_ATTRIBUTE.nosuid | MOUNT_ATTRIBUTE.nodev | (wanted.readonly ? MOUNT_ATTRIBUTE.rdonly : 0);
    on(root, target, (path) => {
      addAttributes(path, attributes, { recursive: false });
    });
  } finally {
    closeDescriptor(source);
  }
}

/** Not through a symbolic link: it is pinned here, whatever becomes of its name (CVE-2024-1753). */
function openSource({ source, target }: Extract<Mount, { type: 'bind' }>): number {
  let descriptor: number;
  try {
    descriptor = openSync(source, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    const code = systemErrorCode(error) ?? 'unknown error';
    throw cannotMount(target, `its source "${source}" cannot be opened (${code})`, error);
  }
  if (!statSync(descriptorPath(descriptor)).isSymbolicLink()) return descriptor;
  closeDescriptor(descriptor);
  throw cannotMount(target, `its source "${source}" is a symbolic link`);
}

interface Target {
  readonly path: string;
  readonly kind: 'directory' | 'file';
}

/** Opens the target for what is to be done to it. After a mount, opening it again gives what is mounted there. */
function on(root: Root, { path, kind }: Target, act: (path: string) => void): void {
  const descriptor = openTarget(root, path, kind);
  try {
    act(descriptorPath(descriptor));
  } catch (error) {
    if (error instanceof TsbuildError) throw error;
    throw cannotMount(path, systemErrorCode(error) ?? 'unknown error', error);
  } finally {
    closeDescriptor(descriptor);
  }
}

/** A file that the step only reads, from a file system of its own. */
export function bindFile(root: Root, source: string, path: string): void {
  const target = { path, kind: 'file' } as const;
  on(root, target, (place) => {
    mount({ source, target: place, flags: MS.bind });
  });
  const { rdonly, nosuid, nodev, noexec } = MOUNT_ATTRIBUTE;
  on(root, target, (place) => {
    addAttributes(place, rdonly | nosuid | nodev | noexec, { recursive: false });
  });
}
