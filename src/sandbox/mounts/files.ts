import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mount, MS } from '../../support/syscalls.js';

/** Files and links for one step, in a small file system in memory that vanishes with it. */
export interface Files {
  readonly path: string;
}

export function mountFiles(path: string): Files {
  mount({ source: 'files', target: path, type: 'tmpfs', flags: MS.nosuid | MS.nodev, data: 'mode=700,size=64m' });
  return { path };
}

/** Everyone may read it. */
export function addFile({ path }: Files, name: string, content: string | Uint8Array): string {
  const file = join(path, name);
  writeFileSync(file, content, { mode: 0o644 });
  return file;
}

export function addDirectory({ path }: Files, name: string): void {
  mkdirSync(join(path, name), { recursive: true, mode: 0o755 });
}

/** A short name for a long path. */
export function addLink({ path }: Files, name: string, target: string): void {
  const link = join(path, name);
  rmSync(link, { force: true });
  symlinkSync(target, link);
}
