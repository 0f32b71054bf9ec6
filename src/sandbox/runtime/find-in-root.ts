import { posix } from 'node:path';
import { bytesOfText } from '../../support/byte-string.js';
import { systemErrorCode } from '../../support/errors.js';
import { closeDescriptor } from '../../support/syscalls.js';
import { findProgram, hasProgramFormat, judge, notFound, refusedProgram, type FoundProgram } from '../find-program.js';
import { descriptorPath, openExisting, type Root } from '../mounts/rooted.js';
import type { RunSpec } from '../run-spec.js';

/** As `findProgram`, in a root file system: nothing of the machine is looked at, whatever links there are. */
export function findInRoot({ descriptor }: Root, { argv: [name], env, cwd }: RunSpec): FoundProgram {
  const path = env['PATH'];
  if (name.includes('/')) return examine(descriptor, name, cwd);
  if (path === undefined || name === '') return notFound(name);
  let denied: FoundProgram | undefined;
  for (const directory of path.split(':')) {
    const candidate = posix.join(directory === '' ? '.' : directory, name);
    const found = examine(descriptor, candidate.includes('/') ? candidate : `./${candidate}`, cwd);
    // A directory of that name is passed over, as something of no use is.
    if (found.found || found.message.endsWith('exec format error')) return found;
    if (found.message.endsWith('permission denied')) denied ??= found;
  }
  return denied ?? notFound(name);
}

function examine(root: number, path: string, cwd: string): FoundProgram {
  let file: number | undefined;
  try {
    const absolute = path.startsWith('/') ? path : `${cwd}/${path}`;
    file = openExisting(root, bytesOfText(absolute), { symlinks: true });
    if (file === undefined) return judge(path, 'missing');
    const seen = findProgram(descriptorPath(file), undefined);
    if (seen.found)
      return hasProgramFormat(descriptorPath(file)) ? { found: true, path } : refusedProgram(path, 'ENOEXEC');
    return { ...seen, message: seen.message.replace(descriptorPath(file), path) };
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    return judge(path, code === 'ENOTDIR' ? 'missing' : 'denied');
  } finally {
    if (file !== undefined) closeDescriptor(file);
  }
}
