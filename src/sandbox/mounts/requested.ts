import { chmodSync, chownSync, fstatSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bytesOfText } from '../../support/byte-string.js';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';
import { closeDescriptor, makeNode, decodeDevice, mount, MOUNT_ATTRIBUTE, MS, O_PATH } from '../../support/syscalls.js';
import type { BindMount, DeviceMount, FileMount, MemoryMount, Mount } from '../run-spec.js';
import { addAttributes } from './attributes.js';
import { unlessImpossible } from './devices.js';
import { addDirectory, addFile, type Files } from './files.js';
import type { OverlayMethod } from './root-file-system.js';
import { mountRoot } from './root-file-system.js';
import { cannotMount, descriptorPath, openDirectory, openExisting, openTarget, type Root } from './rooted.js';

/** What mounts are made of. */
export interface Supplies {
  readonly files: Files;
  readonly overlay: OverlayMethod | null;
  /** A directory where device nodes work. */
  readonly nodes: string;
}

/** The mounts that a step asks for, in order. */
export function mountRequested(root: Root, mounts: readonly Mount[], supplies: Supplies): void {
  mounts.forEach((wanted, index) => {
    switch (wanted.type) {
      case 'bind':
        bind(root, wanted, openSource(wanted, supplies, `source-${index}`));
        break;
      case 'tmpfs':
        mountMemory(root, wanted);
        break;
      case 'file':
        mountFile(root, wanted, { files: supplies.files, name: `content-${index}` });
        break;
      case 'device':
        mountDevice(root, wanted, join(supplies.nodes, `requested-${index}`));
    }
  });
}

function mountMemory(root: Root, { target, sizeBytes, readonly }: MemoryMount): void {
  const flags = MS.nosuid | MS.nodev | (readonly ? MS.rdonly : 0);
  const size = sizeBytes === undefined ? '' : `,size=${Math.ceil(sizeBytes)}`;
  on(root, { path: target, kind: 'directory' }, (path) => {
    mount({ source: 'tmpfs', target: path, type: 'tmpfs', flags, data: `mode=1777${size}` });
  });
}

function bind(root: Root, wanted: BindMount, source: number): void {
  try {
    const kind = statSync(descriptorPath(source)).isDirectory() ? 'directory' : 'file';
    const attributes = MOUNT_ATTRIBUTE.nosuid | MOUNT_ATTRIBUTE.nodev | (wanted.readonly ? MOUNT_ATTRIBUTE.rdonly : 0);
    const { target, recursive = false } = wanted;
    place(root, descriptorPath(source), { path: target, kind, attributes, recursive });
  } finally {
    closeDescriptor(source);
  }
}

/**
 * Found inside its own root, links and all, and pinned: whatever becomes of its name, and whoever made its links, this is what is
 * mounted (CVE-2024-1753, CVE-2024-23651).
 */
function openSource({ source, path, target }: BindMount, { files, overlay }: Supplies, name: string): number {
  let directory: string;
  if (source.kind === 'directory') directory = source.path;
  else {
    addDirectory(files, name);
    directory = join(files.path, name);
    mountRoot(source, directory, { files, overlay });
  }
  let root: number | undefined;
  try {
    root = openDirectory(directory);
    const found = openExisting(root, bytesOfText(`/${path}`), { symlinks: true });
    if (found === undefined) throw cannotMount(target, `its source "/${path}" does not exist`);
    return found;
  } catch (error) {
    const code = systemErrorCode(error);
    if (error instanceof TsbuildError || code === undefined) throw error;
    throw cannotMount(target, `its source "/${path}" cannot be opened (${code})`, error);
  } finally {
    if (root !== undefined) closeDescriptor(root);
  }
}

function mountFile(root: Root, wanted: FileMount, { files, name }: { files: Files; name: string }): void {
  const { target, uid, gid } = wanted;
  const file = addFile(files, name, wanted.content);
  try {
    chownSync(file, uid, gid);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== 'EINVAL') throw error;
    throw cannotMount(target, `it cannot belong to ${uid}:${gid}, as this user namespace has no such id`, error);
  }
  chmodSync(file, wanted.mode);
  const { rdonly, nosuid, nodev } = MOUNT_ATTRIBUTE;
  place(root, file, { path: target, kind: 'file', attributes: rdonly | nosuid | nodev });
}

/** The host's node itself, but for real root: that makes one of the mode and owner that are asked for. */
function mountDevice(root: Root, wanted: DeviceMount, node: string): void {
  const { source, target } = wanted;
  let descriptor: number;
  try {
    descriptor = openSync(source, O_PATH);
  } catch (error) {
    throw cannotMount(
      target,
      `the host's device "${source}" cannot be opened (${systemErrorCode(error) ?? '?'})`,
      error,
    );
  }
  try {
    const stat = fstatSync(descriptor, { bigint: true });
    if (!stat.isCharacterDevice() && !stat.isBlockDevice()) throw cannotMount(target, `"${source}" is no device`);
    const made = unlessImpossible(() => {
      makeNode(bytesOfText(node), Number(stat.mode), decodeDevice(stat.rdev));
      chownSync(node, wanted.uid ?? Number(stat.uid), wanted.gid ?? Number(stat.gid));
      chmodSync(node, wanted.mode ?? Number(stat.mode) & 0o7777);
    });
    const attributes = MOUNT_ATTRIBUTE.nosuid | MOUNT_ATTRIBUTE.noexec;
    place(root, made ? node : descriptorPath(descriptor), { path: target, kind: 'file', attributes });
  } finally {
    closeDescriptor(descriptor);
  }
}

interface Target {
  readonly path: string;
  readonly kind: 'directory' | 'file';
}

interface Placing extends Target {
  readonly attributes: number;
  readonly recursive?: boolean;
}

/** Binds what `source` names on a target, and takes away from that mount what it shall not do. */
function place(root: Root, source: string, target: Placing): void {
  const { attributes, recursive = false } = target;
  on(root, target, (path) => {
    mount({ source, target: path, flags: recursive ? MS.bind | MS.rec : MS.bind });
  });
  on(root, target, (path) => {
    addAttributes(path, attributes, { recursive });
  });
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
  const { rdonly, nosuid, nodev, noexec } = MOUNT_ATTRIBUTE;
  place(root, source, { path, kind: 'file', attributes: rdonly | nosuid | nodev | noexec });
}
