import { join } from 'node:path';
import { MS } from '../../support/syscalls.js';
import type { CallList } from '../calls/call-list.js';
import { makeDirectory, makeFile, mount } from '../calls/kernel-calls.js';
import type { CallProcess } from '../calls/call-process.js';
import { Descriptors } from './descriptors.js';
import { openSystemTarget, type Root } from './rooted.js';

/**
 * What every step has, whatever its image, is put together before there is one, in memory and out of sight: a directory with the
 * /dev, the /proc and the /sys that are then moved into the root file system. Paths as the step's launcher sees them.
 */
export interface Parts {
  readonly path: string;
  /** An empty directory and an empty file, to hide others with. */
  readonly emptyDirectory: string;
  readonly emptyFile: string;
  /** Where device nodes work that are made there. */
  readonly nodes: string;
  readonly dev: string;
  readonly proc: string;
  readonly sys: string;
  /** Where the root file system is put together, and files of the step's. */
  readonly root: string;
  readonly files: string;
  readonly scripts: string;
}

export function partsAt(path: string): Parts {
  return {
    path,
    emptyDirectory: join(path, 'directory'),
    emptyFile: join(path, 'file'),
    nodes: join(path, 'nodes'),
    dev: join(path, 'dev'),
    proc: join(path, 'proc'),
    sys: join(path, 'sys'),
    root: join(path, 'root'),
    files: join(path, 'files'),
    scripts: join(path, 'scripts'),
  };
}

export function mountParts(calls: CallList, parts: Parts): void {
  const { path, emptyDirectory, emptyFile, nodes, dev, proc, sys, root, files, scripts } = parts;
  mount(calls, {
    source: 'parts',
    target: path,
    type: 'tmpfs',
    flags: MS.nosuid | MS.nodev,
    data: 'mode=700,size=64k',
  });
  makeDirectory(calls, emptyDirectory, 0o555);
  makeFile(calls, emptyFile, 0o444);
  for (const directory of [nodes, dev, proc, sys, root, files, scripts]) makeDirectory(calls, directory, 0o700);
  const flags = MS.nosuid | MS.noexec;
  mount(calls, { source: 'nodes', target: nodes, type: 'tmpfs', flags, data: 'mode=700,size=4k' });
  // A bind mount takes over the flags of the mount it is made from: what is bound from here is read-only.
  seal(calls, path, MS.noexec);
}

/** Makes a file system of ours read-only, and all that is bound from it. */
export function seal(calls: CallList, path: string, more: number): void {
  const flags = MS.remount | MS.bind | MS.rdonly | MS.nosuid | MS.nodev | more;
  mount(calls, { source: null, target: path, flags });
}

/** Moves /dev, /sys and /proc, with all that is mounted below them, to their places. */
export async function movePartsInto(root: Root, process: CallProcess, parts: Parts): Promise<void> {
  using open = new Descriptors();
  await process.make((calls) => {
    for (const name of ['dev', 'sys', 'proc'] as const) {
      const target = process.pathOf(open.keep(openSystemTarget(root, `/${name}`)));
      calls.during(`mount "/${name}"`, () => {
        mount(calls, { source: parts[name], target, flags: MS.move });
      });
    }
  });
}
