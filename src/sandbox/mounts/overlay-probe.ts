import { mkdirSync, readdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesOfText } from '../../support/byte-string.js';
import { closeDescriptor } from '../../support/syscalls.js';
import type { Rootfs } from '../run-spec.js';
import { openExisting, childPath, descriptorPath, type Root } from './rooted.js';
import type { OverlayMethod } from './root-file-system.js';

/**
 * The ways to mount overlays, best first. Which one works is found by mounting: versions do not tell what a file system, or a
 * distribution's kernel, can do.
 */
export function overlayMethods(userxattr: boolean): readonly OverlayMethod[] {
  return [
    { call: 'fsconfig', userxattr, volatile: true },
    { call: 'mount', userxattr, volatile: true },
    { call: 'mount', userxattr, volatile: false },
  ];
}

/** An overlay to try it with, made in an empty directory of the file system in question. */
export function makeTrialOverlay(directory: string): Rootfs {
  const at = (name: string): string => join(directory, name);
  const rootfs = { kind: 'overlay', lowers: [at('above'), at('below')], upper: at('upper'), work: at('work') } as const;
  for (const path of [...rootfs.lowers, rootfs.upper, rootfs.work]) mkdirSync(path, { recursive: true });
  mkdirSync(at('below/directory'));
  writeFileSync(at('below/directory/file'), '');
  return rootfs;
}

/** A directory that replaces one further down must not show that one's files: this takes an extended attribute (else EIO). */
export function hidesFilesBelow({ descriptor }: Root): boolean {
  const name = bytesOfText('directory');
  const path = childPath(descriptor, name);
  unlinkSync(Buffer.concat([path, Buffer.from('/file')]));
  rmdirSync(path);
  mkdirSync(path);
  const made = openExisting(descriptor, name, { symlinks: false, directory: true });
  if (made === undefined) return false;
  try {
    return readdirSync(descriptorPath(made)).length === 0;
  } finally {
    closeDescriptor(made);
  }
}
