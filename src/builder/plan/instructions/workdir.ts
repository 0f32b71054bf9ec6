import { posix } from 'node:path';
import type { WorkdirInstruction } from '../../../parser/instruction.js';
import type { InstructionContext } from '../instruction-context.js';

export function applyWorkdir(
  { path, text, source }: WorkdirInstruction,
  { draft, checks, expand }: InstructionContext,
): void {
  const written = expand(path);
  checks.workdir(written);
  // An absolute path goes into the config as it is written, `..` and double slashes too; the directory is that of the clean path.
  const current = draft.config.workingDir;
  draft.config.workingDir = posix.isAbsolute(written) ? written : joined(current, written);
  const createdBy = `WORKDIR ${draft.config.workingDir}`;
  if (draft.cwd === '/') {
    draft.recordEmpty(createdBy);
    return;
  }
  draft.addStep({ kind: 'workdir', path: draft.cwd, user: draft.config.user }, { text, source });
  draft.recordLayer(createdBy);
}

/** An empty path is the current directory, as it was written. */
function joined(current: string, path: string): string {
  const absolute = posix.isAbsolute(current) ? current : `/${current}`;
  return path === '' ? absolute : posix.resolve(absolute, path);
}
