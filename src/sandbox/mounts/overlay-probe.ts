import { mkdirSync, readdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';
import { unmount } from '../../support/syscalls.js';
import type { Files } from './files.js';
import { mountRoot, type OverlayMethod } from './root-file-system.js';

export interface OverlayProbe {
  readonly files: Files;
  /** Where to mount. */
  readonly target: string;
  /** An empty directory on the file system in question. */
  readonly directory: string;
  readonly userxattr: boolean;
}

/**
 * The best way to mount overlays that works here, or `null`. Found by mounting: versions do not tell what a file system, or a
 * distribution's kernel, can do.
 */
export function probeOverlay(probe: OverlayProbe): OverlayMethod | null {
  const { userxattr } = probe;
  const methods: readonly OverlayMethod[] = [
    { call: 'fsconfig', userxattr, volatile: true },
    { call: 'mount', userxattr, volatile: true },
    { call: 'mount', userxattr, volatile: false },
  ];
  return methods.find((overlay, index) => works(overlay, probe, join(probe.directory, String(index)))) ?? null;
}

function works(overlay: OverlayMethod, { files, target }: OverlayProbe, directory: string): boolean {
  const at = (name: string): string => join(directory, name);
  const rootfs = { kind: 'overlay', lowers: [at('above'), at('below')], upper: at('upper'), work: at('work') } as const;
  try {
    for (const path of [...rootfs.lowers, rootfs.upper, rootfs.work]) mkdirSync(path, { recursive: true });
    mkdirSync(at('below/directory'));
    writeFileSync(at('below/directory/file'), '');
    mountRoot(rootfs, target, { files, overlay });
    try {
      return hidesFilesBelow(join(target, 'directory'));
    } finally {
      unmount(target);
    }
  } catch (error) {
    // Whatever the reason: this way is not one to go.
    if (error instanceof TsbuildError || systemErrorCode(error) !== undefined) return false;
    throw error;
  }
}

/** A directory that replaces one further down must not show that one's files: this takes an extended attribute (else EIO). */
function hidesFilesBelow(path: string): boolean {
  unlinkSync(join(path, 'file'));
  rmdirSync(path);
  mkdirSync(path);
  return readdirSync(path).length === 0;
}
