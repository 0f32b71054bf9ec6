import { mkdirSync, readdirSync, readFileSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesOfText } from '../../support/byte-string.js';
import { closeDescriptor } from '../../support/syscalls.js';
import type { Rootfs } from '../run-spec.js';
import { openExisting, childPath, descriptorPath, type Root } from '../mounts/rooted.js';
import type { OverlayMethod } from '../mounts/root-file-system.js';
import { TRIAL_CONTENT, TRIAL_FILE, trialMetadata, trialTar } from './trial-image.js';

/**
 * The ways to mount overlays, best first. Which one works is found by mounting: versions do not tell what a file system, or a
 * distribution's kernel, can do.
 */
export function overlayMethods(userxattr: boolean): readonly OverlayMethod[] {
  const plain = { userxattr, images: false, keepsImages: false };
  const imaging = { call: 'fsconfig', userxattr, volatile: true, images: true } as const;
  return [
    // Only the host's root may mount EROFS, which no user namespace has.
    ...(userxattr ? [] : [true, false].map((keepsImages) => ({ ...imaging, keepsImages }))),
    { call: 'fsconfig', ...plain, volatile: true },
    { call: 'mount', ...plain, volatile: true },
    { call: 'mount', ...plain, volatile: false },
  ];
}

/** An overlay to try it with, made in an empty directory of the file system in question. */
export function makeTrialOverlay(directory: string, { images }: Pick<OverlayMethod, 'images'>): Rootfs {
  const at = (name: string): string => join(directory, name);
  const directories = [at('above'), at('below')];
  const [upper, work] = [at('upper'), at('work')];
  for (const path of [...directories, upper, work]) mkdirSync(path, { recursive: true });
  mkdirSync(at('below/directory'));
  writeFileSync(at('below/directory/file'), '');
  const image = { metadata: at('metadata'), tar: at('tar') };
  if (!images) return { kind: 'overlay', lowers: directories, upper, work };
  writeFileSync(image.metadata, trialMetadata());
  writeFileSync(image.tar, trialTar());
  return { kind: 'overlay', lowers: [...directories, image], upper, work };
}

/** Whether the file of the trial image, if there is one, is there through the overlay with the content that the tar has. */
export function showsImage({ descriptor }: Root, { images }: Pick<OverlayMethod, 'images'>): boolean {
  if (!images) return true;
  return readFileSync(childPath(descriptor, bytesOfText(TRIAL_FILE)), 'latin1') === TRIAL_CONTENT;
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
