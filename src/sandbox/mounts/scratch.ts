import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mount, MS } from '../../support/syscalls.js';

/** A small file system in memory, of this mount namespace only: what a step's mounts are made from vanishes with it. */
export interface Scratch {
  readonly path: string;
  /** An empty directory and an empty file, to hide others with. */
  readonly emptyDirectory: string;
  readonly emptyFile: string;
  /** Where device nodes work that are made there. */
  readonly nodes: string;
}

export function mountScratch(path: string): Scratch {
  mount({ source: 'scratch', target: path, type: 'tmpfs', flags: MS.nosuid | MS.nodev, data: 'mode=700,size=4m' });
  const scratch = {
    path,
    emptyDirectory: join(path, 'directory'),
    emptyFile: join(path, 'file'),
    nodes: join(path, 'nodes'),
  };
  mkdirSync(scratch.emptyDirectory, { mode: 0o555 });
  writeFileSync(scratch.emptyFile, '', { mode: 0o444 });
  mkdirSync(scratch.nodes, { mode: 0o700 });
  mount({
    source: 'nodes',
    target: scratch.nodes,
    type: 'tmpfs',
    flags: MS.nosuid | MS.noexec,
    data: 'mode=700,size=4k',
  });
  return scratch;
}

/** Adds a file. Everyone may read it. */
export function addFile({ path }: Scratch, name: string, content: string): string {
  const file = join(path, name);
  writeFileSync(file, content, { mode: 0o644 });
  return file;
}

/** Adds a short name for a long path. */
export function addLink({ path }: Scratch, name: string, target: string): void {
  const link = join(path, name);
  rmSync(link, { force: true });
  symlinkSync(target, link);
}

/** A bind mount takes over the flags of the mount it is made from: from now on those from here are read-only. */
export function sealScratch({ path }: Scratch): void {
  const flags = MS.remount | MS.bind | MS.rdonly | MS.nosuid | MS.nodev | MS.noexec;
  mount({ source: null, target: path, flags });
}
