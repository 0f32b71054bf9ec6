import { fstatSync, lstatSync, rmdirSync, unlinkSync } from 'node:fs';
import { systemErrorCode } from '../../support/errors.js';
import { closeDescriptor } from '../../support/syscalls.js';
import { childPath, type Stub } from './rooted.js';
import { keepTimes } from './times.js';

/**
 * Removes the mount points that were made, last ones first: those that are still where they were made, still themselves, and
 * still empty. They are found through the descriptor of the directory they are in, so that a step which moved that
 * directory, or put a link in its place, leads to nothing else (CVE-2024-23652).
 */
export function removeStubs(stubs: readonly Stub[]): void {
  for (const stub of [...stubs].reverse()) {
    try {
      removeStub(stub);
    } finally {
      closeDescriptor(stub.node);
      closeDescriptor(stub.parent);
    }
  }
}

/** ENOENT: the step removed it, or its directory. ENOTEMPTY: it put something there, which stays. EROFS: nobody writes there. */
const LEFT_ALONE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EROFS']);

function removeStub({ parent, node, name, kind }: Stub): void {
  const path = childPath(parent, name);
  try {
    const [now, made] = [lstatSync(path, { bigint: true }), fstatSync(node, { bigint: true })];
    if (now.ino !== made.ino || now.dev !== made.dev) return;
    if (kind === 'file' && now.size !== 0n) return;
    keepTimes(parent, () => {
      if (kind === 'directory') rmdirSync(path);
      else unlinkSync(path);
    });
  } catch (error) {
    if (!LEFT_ALONE.has(systemErrorCode(error))) throw error;
  }
}
