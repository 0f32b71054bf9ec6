import { constants } from 'node:fs';
import { constants as os } from 'node:os';
import { posix } from 'node:path';
import { O_PATH } from '../../support/syscalls.js';
import type { Call, CallList, Memory } from '../calls/call-list.js';
import type { Answer, CallFailed } from '../calls/answers.js';
import { AT_FDCWD, openPath } from '../calls/kernel-calls.js';
import { notFound, refusedProgram, REFUSALS, unusable, type MissingProgram, type Obstacle } from './missing-program.js';
import type { RunSpec } from '../run-spec.js';

const X_OK = 1;
/** Nobody has more; each takes some room in a list. */
const MAX_DIRECTORIES = 1000;
/** Errors of a path that leads nowhere, and of one that leads where this user may not go. */
const NOWHERE = ['ENOENT', 'ENOTDIR'];
const NOWHERE_NUMBERS: ReadonlySet<number> = new Set([os.errno.ENOENT, os.errno.ENOTDIR]);
const DENIED = ['EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG'];

/** The files that a name can stand for, and what is asked about each. */
export interface ExecAttempts {
  readonly name: string;
  readonly attempts: readonly ExecAttempt[];
}

interface ExecAttempt {
  readonly path: string;
  readonly access: Call;
  readonly exec: Call;
  readonly directory: Call;
}

/**
 * Becomes the program that `argv` names: itself with a slash in it, else the first executable file of that name in the directories
 * of PATH. Looked up in the calling process's own root, working directory and rights. The list goes on after it when there is none.
 */
export function execProgram(calls: CallList, { argv, env }: Pick<RunSpec, 'argv' | 'env'>): ExecAttempts {
  const [name] = argv;
  const words = strings(calls, argv);
  const variables = strings(
    calls,
    Object.entries(env).map(([variable, value]) => `${variable}=${value}`),
  );
  const attempts: ExecAttempt[] = [];
  calls.during(`start "${name}"`, () => {
    for (const path of candidates(name, env['PATH'])) {
      const look = calls.label();
      const file = calls.text(path);
      const access = calls.call('faccessat', [AT_FDCWD, file, X_OK], {
        tolerate: [...NOWHERE, ...DENIED],
        otherwise: look,
      });
      // EACCES: a directory too. All other errors end the search.
      const exec = calls.call('execve', [file, words, variables], { tolerate: ['EACCES'] });
      calls.place(look);
      const directory = openPath(
        calls,
        { path: file, flags: O_PATH | constants.O_DIRECTORY },
        { tolerate: [...NOWHERE, ...DENIED] },
      );
      attempts.push({ path, access, exec, directory: directory.resultOf });
    }
  });
  return { name, attempts };
}

function candidates(name: string, searchPath: string | undefined): readonly string[] {
  if (name.includes('/')) return [name];
  if (searchPath === undefined || name === '') return [];
  return searchPath
    .split(':', MAX_DIRECTORIES)
    .map((directory) => posix.join(directory === '' ? '.' : directory, name))
    .map((path) => (path.includes('/') ? path : `./${path}`));
}

/** Pointers to strings, and one that is none (execve(2)). */
export function strings(calls: CallList, texts: readonly string[]): Memory {
  const pointers = texts.map((text, index) => [index * 8, calls.text(text)] as const);
  return calls.data(Buffer.alloc((texts.length + 1) * 8), pointers);
}

/** What a shell says when none of the attempts has succeeded. */
export function missingProgram({ name, attempts }: ExecAttempts, answer: Answer): MissingProgram {
  const found = attempts.map((attempt) => ({ path: attempt.path, state: stateOf(attempt, answer) }));
  const [first] = found;
  const one = name.includes('/') ? first : found.find(({ state }) => state === 'denied');
  if (one === undefined) return notFound(name);
  return unusable(one.path, one.state);
}

function stateOf({ access, directory }: ExecAttempt, { resultOf }: Answer): Obstacle {
  if (resultOf(directory) >= 0) return 'directory';
  const refusal = resultOf(access);
  if (refusal === 0) return 'denied';
  return NOWHERE_NUMBERS.has(-refusal) ? 'missing' : 'denied';
}

/** What a shell says of a program that is there and that the kernel does not take; `undefined` when something else has failed. */
export function refusedBy({ name, attempts }: ExecAttempts, { call, code }: CallFailed): MissingProgram | undefined {
  const isExec = attempts.some(({ exec }) => exec.index === call.index);
  return isExec && REFUSALS.has(code) ? refusedProgram(name, code) : undefined;
}
