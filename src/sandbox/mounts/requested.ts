import { constants, fstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { bytesOfText } from '../../support/byte-string.js';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';
import { closeDescriptor, MOUNT_ATTRIBUTE, MS } from '../../support/syscalls.js';
import { CallList } from '../calls/call-list.js';
import type { CallProcess } from '../calls/call-process.js';
import { changeMode, changeOwner, IMPOSSIBLE, makeNode, mount } from '../calls/kernel-calls.js';
import type { BindMount, DeviceMount, MemoryMount, Mount } from '../run-spec.js';
import { addAttributes, readMounts } from './attributes.js';
import { Descriptors } from './descriptors.js';
import { overlayNames, requestedFile, sourceDirectory } from './files.js';
import type { Parts } from './parts.js';
import { mountRoot, type OverlayMethod } from './root-file-system.js';
import { cannotMount, descriptorPath, openExisting, openTarget, type Root } from './rooted.js';

/** What mounts are made of. */
export interface Supplies {
  readonly process: CallProcess;
  readonly parts: Parts;
  readonly overlay: OverlayMethod | null;
}

/** The mounts that a step asks for, in order. Those of files are in `parts` (`mountFiles`), under the indexes that they have here. */
export async function mountRequested(root: Root, mounts: readonly Mount[], supplies: Supplies): Promise<void> {
  for (const [index, wanted] of mounts.entries()) {
    switch (wanted.type) {
      case 'bind':
        await bind(root, wanted, { index, ...supplies });
        break;
      case 'tmpfs':
        await mountMemory(root, wanted, supplies);
        break;
      case 'file':
        await bindSealed(root, [{ source: requestedFile(supplies.parts, index), target: wanted.target }], supplies);
        break;
      case 'device':
        await mountDevice(root, wanted, { node: join(supplies.parts.nodes, `requested-${index}`), ...supplies });
    }
  }
}

function mountMemory(root: Root, wanted: MemoryMount, { process }: Supplies): Promise<void> {
  const { sizeBytes, readonly } = wanted;
  const flags = MS.nosuid | MS.nodev | (readonly ? MS.rdonly : 0);
  const size = sizeBytes === undefined ? '' : `,size=${Math.ceil(sizeBytes)}`;
  return on(root, { path: wanted.target, kind: 'directory', process }, (calls, target) => {
    mount(calls, { source: 'tmpfs', target, type: 'tmpfs', flags, data: `mode=1777${size}` });
  });
}

async function bind(root: Root, wanted: BindMount, supplies: Supplies & { readonly index: number }): Promise<void> {
  using open = new Descriptors();
  const source = open.keep(await openSource(wanted, supplies));
  const kind = fstatSync(source).isDirectory() ? 'directory' : 'file';
  const attributes = MOUNT_ATTRIBUTE.nosuid | MOUNT_ATTRIBUTE.nodev | (wanted.readonly ? MOUNT_ATTRIBUTE.rdonly : 0);
  const target = { path: wanted.target, kind, process: supplies.process } as const;
  const { recursive = false } = wanted;
  await place(root, supplies.process.pathOf(source), { ...target, attributes, recursive });
}

/**
 * Found inside its own root, links and all, and pinned: whatever becomes of its name, and whoever made its links, this is what is
 * mounted (CVE-2024-1753, CVE-2024-23651).
 */
async function openSource(
  { source, path, target }: BindMount,
  { process, parts, overlay, index }: Supplies & { readonly index: number },
): Promise<number> {
  let directory: string;
  if (source.kind === 'directory') directory = source.path;
  else {
    directory = sourceDirectory(parts, index);
    await process.make((calls) => {
      mountRoot(calls, source, { target: directory, names: overlayNames(parts, index), overlay });
    });
  }
  let root: number | undefined;
  try {
    root = process.open(directory, constants.O_DIRECTORY | constants.O_NOFOLLOW);
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

/** The host's node itself, but for real root: that makes one of the mode and owner that are asked for. */
async function mountDevice(
  root: Root,
  wanted: DeviceMount,
  { process, node }: Supplies & { readonly node: string },
): Promise<void> {
  using open = new Descriptors();
  const source = open.keep(openDevice(wanted, process));
  const stat = fstatSync(source, { bigint: true });
  if (!stat.isCharacterDevice() && !stat.isBlockDevice()) {
    throw cannotMount(wanted.target, `"${wanted.source}" is no device`);
  }
  const owner = { uid: wanted.uid ?? Number(stat.uid), gid: wanted.gid ?? Number(stat.gid) };
  const isMade = await makeDevice(process, {
    path: node,
    mode: Number(stat.mode),
    device: stat.rdev,
    owner,
    permissions: wanted.mode ?? Number(stat.mode) & 0o7777,
  });
  const attributes = MOUNT_ATTRIBUTE.nosuid | MOUNT_ATTRIBUTE.noexec;
  const target = { path: wanted.target, kind: 'file', process, attributes } as const;
  await place(root, isMade ? node : process.pathOf(source), target);
}

function openDevice({ source, target }: DeviceMount, process: CallProcess): number {
  try {
    return process.open(source);
  } catch (error) {
    const code = systemErrorCode(error) ?? '?';
    throw cannotMount(target, `the host's device "${source}" cannot be opened (${code})`, error);
  }
}

interface DeviceNode {
  readonly path: string;
  /** With the bits of its type. */
  readonly mode: number;
  readonly device: bigint;
  readonly owner: { readonly uid: number; readonly gid: number };
  readonly permissions: number;
}

async function makeDevice(process: CallProcess, { owner, permissions, ...node }: DeviceNode): Promise<boolean> {
  const calls = new CallList();
  const impossible = calls.label();
  const options = { tolerate: IMPOSSIBLE, otherwise: impossible };
  const tried = [makeNode(calls, node, options), changeOwner(calls, { path: node.path, ...owner }, options)];
  changeMode(calls, node.path, permissions);
  calls.place(impossible);
  const { resultOf } = await process.perform(calls);
  return tried.every((call) => resultOf(call) === 0);
}

interface Target {
  readonly path: string;
  readonly kind: 'directory' | 'file';
  readonly process: CallProcess;
}

interface Placing extends Target {
  readonly attributes: number;
  readonly recursive?: boolean;
}

/** Binds what `source` names on a target, and takes away from that mount what it shall not do. */
async function place(root: Root, source: string, { attributes, recursive = false, ...target }: Placing): Promise<void> {
  await on(root, target, (calls, path) => {
    mount(calls, { source, target: path, flags: recursive ? MS.bind | MS.rec : MS.bind });
  });
  await on(root, target, (calls, path, descriptor) => {
    addAttributes(calls, { path, attributes, recursive }, () => {
      const real = readlinkSync(descriptorPath(descriptor));
      const mounts = readMounts(target.process.file('mountinfo'));
      const meant = mounts.filter((point) => point.path === real || (recursive && point.path.startsWith(`${real}/`)));
      return meant.map((point) => ({ ...point, path: point.path.replace(real, path) }));
    });
  });
}

/** Opens the target for what is to be done to it. After a mount, opening it again gives what is mounted there. */
async function on(
  root: Root,
  { path, kind, process }: Target,
  act: (calls: CallList, path: string, descriptor: number) => void,
): Promise<void> {
  using open = new Descriptors();
  const descriptor = open.keep(openTarget(root, path, kind));
  await process.make((calls) => {
    calls.during(
      (code) => cannotMount(path, code),
      () => {
        act(calls, process.pathOf(descriptor), descriptor);
      },
    );
  });
}

/** Files of a sealed file system (`mountFiles`), each on a target. */
export async function bindSealed(
  root: Root,
  files: readonly { readonly source: string; readonly target: string }[],
  { process }: Pick<Supplies, 'process'>,
): Promise<void> {
  using open = new Descriptors();
  await process.make((calls) => {
    for (const { source, target } of files) {
      const descriptor = open.keep(openTarget(root, target, 'file'));
      calls.during(
        (code) => cannotMount(target, code),
        () => {
          mount(calls, { source, target: process.pathOf(descriptor), flags: MS.bind });
        },
      );
    }
  });
}
