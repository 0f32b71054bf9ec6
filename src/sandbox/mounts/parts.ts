import { constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { bytesOfText } from '../../support/byte-string.js';
import { closeDescriptor, makeNode, mount, MS } from '../../support/syscalls.js';
import { descriptorPath, openSystemTarget, type Root } from './rooted.js';

/**
 * What every step has, whatever its image, is put together before there is one, in memory and out of sight: a directory with the
 * /dev and the /proc that are then moved into the root file system.
 */
export interface Parts {
  readonly path: string;
  /** An empty directory and an empty file, to hide others with. */
  readonly emptyDirectory: string;
  readonly emptyFile: string;
  /** Where device nodes work that are made there. */
  readonly nodes: string;
}

export function mountParts(path: string): Parts {
  mount({ source: 'parts', target: path, type: 'tmpfs', flags: MS.nosuid | MS.nodev, data: 'mode=700,size=64k' });
  const parts = {
    path,
    emptyDirectory: join(path, 'directory'),
    emptyFile: join(path, 'file'),
    nodes: join(path, 'nodes'),
  };
  mkdirSync(parts.emptyDirectory, { mode: 0o555 });
  // Not opened for writing: a copy of that descriptor, in a child that another thread just forked, would forbid the sealing.
  makeNode(bytesOfText(parts.emptyFile), constants.S_IFREG | 0o444, { major: 0, minor: 0 });
  for (const name of ['nodes', 'dev', 'proc']) mkdirSync(join(path, name), { mode: 0o700 });
  const flags = MS.nosuid | MS.noexec;
  mount({ source: 'nodes', target: parts.nodes, type: 'tmpfs', flags, data: 'mode=700,size=4k' });
  // A bind mount takes over the flags of the mount it is made from: what is bound from here is read-only.
  const sealed = MS.remount | MS.bind | MS.rdonly | MS.nosuid | MS.nodev | MS.noexec;
  mount({ source: null, target: path, flags: sealed });
  return parts;
}

/** Moves what is mounted on one of the parts, with all that is mounted below it, to its place. */
export function moveInto(root: Root, { path }: Parts, name: 'dev' | 'proc'): void {
  const target = openSystemTarget(root, `/${name}`);
  try {
    mount({ source: join(path, name), target: descriptorPath(target), flags: MS.move });
  } finally {
    closeDescriptor(target);
  }
}
