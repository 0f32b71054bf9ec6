import { spawnProcess, type ChildProcess } from '../support/child-process.js';
import { systemErrorCode } from '../support/errors.js';
import { setupFailure } from './attempt.js';
import { findProgram, hasProgramFormat, refusedProgram, REFUSALS, type MissingProgram } from './find-program.js';
import type { RunSpec } from './run-spec.js';

export type Started =
  | { readonly started: true; readonly child: ChildProcess }
  | { readonly started: false; readonly program: MissingProgram };

export interface ProgramStart {
  readonly stdio: readonly [stdin: number, stdout: number, stderr: number];
  /** An open `limitProgram` to start it through; `undefined`: with the limits of this process. */
  readonly limiter?: number | undefined;
}

/** Starts the step's program with the calling thread's root, directory, ids and rights, and just these descriptors. */
export async function startProgram(
  { argv, env }: Pick<RunSpec, 'argv' | 'env'>,
  { stdio, limiter }: ProgramStart,
): Promise<Started> {
  const [name, ...args] = argv;
  const program = findProgram(name, env['PATH']);
  if (!program.found) return { started: false, program };
  if (!hasProgramFormat(program.path)) return { started: false, program: refusedProgram(name, 'ENOEXEC') };
  try {
    // A session of its own: without a terminal that keys could be pushed into (TIOCSTI, CVE-2017-5226).
    const options = { env, stdio: [...stdio], detached: true };
    const child =
      limiter === undefined
        ? await spawnProcess(program.path, args, { ...options, argv0: name })
        : // In the child's own /proc, whose number it has by then.
          await spawnProcess(`/proc/self/fd/${limiter}`, argv, { ...options, argv0: program.path });
    return { started: true, child };
  } catch (error) {
    const code = systemErrorCode(error);
    if (REFUSALS.has(code)) return { started: false, program: refusedProgram(name, code) };
    throw setupFailure(`start "${name}"`, code ?? 'unknown error', error);
  }
}
