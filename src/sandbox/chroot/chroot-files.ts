import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { bytesOfText, byteString } from '../../support/byte-string.js';
import { systemErrorCode } from '../../support/errors.js';
import { closeDescriptor, encodeDevice, makeNode, S_IFMT } from '../../support/syscalls.js';
import { IMPOSSIBLE } from '../calls/kernel-calls.js';
import { DEVICES } from '../mounts/devices.js';
import {
  cannotMount,
  childPath,
  descriptorPath,
  openDirectory,
  openExisting,
  openSystemTarget,
  openTarget,
  type Root,
} from '../mounts/rooted.js';
import { removeStubs } from '../mounts/stubs.js';
import { keepTimes } from '../mounts/times.js';
import type { NetworkFiles } from '../network/network-files.js';
import type { FileMount } from '../run-spec.js';

export interface ChrootFilesOptions {
  readonly rootfs: string;
  readonly network: NetworkFiles;
  readonly scripts: readonly FileMount[];
  /** On the same file system, to keep a file of the image in meanwhile. */
  readonly temporaryDirectory: string;
}

type Undo = () => void;

/**
 * What a step needs and nothing can be mounted for: device nodes, /etc/hosts, /etc/resolv.conf. They are put into the root file
 * system where they are missing, and taken away again with it as it was.
 */
export function provideChrootFiles({ rootfs, network, scripts, temporaryDirectory }: ChrootFilesOptions): Disposable {
  const root: Root = { descriptor: openDirectory(rootfs), stubs: [] };
  const undo: Undo[] = [];
  const dispose = (): void => {
    for (const act of undo.reverse()) act();
    removeStubs(root.stubs);
    closeDescriptor(root.descriptor);
  };
  try {
    provideDevices(root, undo);
    provideFile(root, undo, { path: '/etc/hosts', content: network.hosts });
    if (!setAside(root, undo, { content: network.resolvConf, temporaryDirectory })) {
      provideFile(root, undo, { path: '/etc/resolv.conf', content: network.resolvConf });
    }
    for (const script of scripts) provideScript(root, undo, script);
  } catch (error) {
    dispose();
    throw error;
  }
  return { [Symbol.dispose]: dispose };
}

function provideDevices(root: Root, undo: Undo[]): void {
  const directory = openSystemTarget(root, '/dev');
  undo.push(() => {
    closeDescriptor(directory);
  });
  for (const { name, major, minor } of DEVICES) {
    const path = byteString(childPath(directory, bytesOfText(name)));
    if (exists(path)) continue;
    const made = unlessImpossible(() => {
      keepTimes(directory, () => {
        makeNode(path, S_IFMT.character | 0o666, { major, minor });
        chmodSync(path, 0o666);
      });
    });
    if (!made) continue;
    undo.push(() => {
      const now = lstatSync(path, { throwIfNoEntry: false });
      if (now?.isCharacterDevice() !== true || now.rdev !== Number(encodeDevice(major, minor))) return;
      keepTimes(directory, () => {
        unlinkSync(path);
      });
    });
  }
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/**
 * A file that is only there for the step. One that the image has is left; where its link points to nothing, that is made.
 * @returns its descriptor when it was made
 */
function provideFile(
  root: Root,
  undo: Undo[],
  { path, content }: { readonly path: string; readonly content: string | Uint8Array },
): number | undefined {
  const before = root.stubs.length;
  const file = openTarget(root, path, 'file');
  undo.push(() => {
    closeDescriptor(file);
  });
  if (root.stubs.length === before) return undefined;
  writeFileSync(descriptorPath(file), content);
  // Emptied, it is removed like any other stub; through its descriptor, whatever its name may be by then.
  undo.push(() => {
    truncateSync(descriptorPath(file));
  });
  return file;
}

/** @throws `SANDBOX_FAILED` where the image has a file: without mounts it could only be overwritten */
function provideScript(root: Root, undo: Undo[], { target, content, mode, uid, gid }: FileMount): void {
  const made = provideFile(root, undo, { path: target, content });
  if (made === undefined) throw cannotMount(target, 'the image has a file there');
  chownSync(descriptorPath(made), uid, gid);
  chmodSync(descriptorPath(made), mode);
}

/**
 * Puts another /etc/resolv.conf in the place of the image's, which names the resolvers of where it was built. What a step writes
 * there is not kept, as in every builder.
 */
function setAside(
  root: Root,
  undo: Undo[],
  { content, temporaryDirectory }: { readonly content: string; readonly temporaryDirectory: string },
): boolean {
  const directory = openExisting(root.descriptor, bytesOfText('/etc'), { symlinks: true, directory: true });
  if (directory === undefined) return false;
  const path = childPath(directory, bytesOfText('resolv.conf'));
  const keep = mkdtempSync(join(temporaryDirectory, 'chroot-'));
  const original = join(keep, 'resolv.conf');
  const close = (): void => {
    closeDescriptor(directory);
    rmSync(keep, { recursive: true });
  };
  if (!lstatSync(path, { throwIfNoEntry: false })?.isFile() || !moved(directory, path, original)) {
    close();
    return false;
  }
  undo.push(() => {
    keepTimes(directory, () => {
      rmSync(path, { force: true, recursive: true });
      renameSync(original, path);
    });
    close();
  });
  keepTimes(directory, () => {
    writeFileSync(path, content, { flag: 'wx', mode: 0o644 });
  });
  return true;
}

function moved(directory: number, from: Buffer, to: string): boolean {
  try {
    keepTimes(directory, () => {
      renameSync(from, to);
    });
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EXDEV') return false;
    throw error;
  }
}

/** Whether it worked, where the kernel may not have it or may not allow it. */
function unlessImpossible(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (IMPOSSIBLE.includes(systemErrorCode(error) ?? '')) return false;
    throw error;
  }
}
