import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { systemErrorCode } from '../support/errors.js';

export type FoundProgram = { readonly found: true; readonly path: string } | MissingProgram;

/** With the exit code and the words that a shell has for it. */
export interface MissingProgram {
  readonly found: false;
  readonly exitCode: 126 | 127;
  readonly message: string;
}

/**
 * The program that `name` stands for: itself with a slash in it, else the first executable file of that name in the directories
 * of `searchPath`. Looked up in the calling thread's own root, working directory and rights.
 */
export function findProgram(name: string, searchPath: string | undefined): FoundProgram {
  if (name.includes('/')) return judge(name, examine(name));
  const candidates = (searchPath ?? '')
    .split(':')
    .map((directory) => posix.join(directory === '' ? '.' : directory, name));
  if (searchPath === undefined || name === '') return notFound(name);
  let denied: FoundProgram | undefined;
  for (const path of candidates) {
    const state = examine(path);
    if (state === 'executable') return { found: true, path: path.includes('/') ? path : `./${path}` };
    if (state === 'denied') denied ??= judge(name, state);
  }
  return denied ?? notFound(name);
}

export const notFound = (name: string): MissingProgram => ({
  found: false,
  exitCode: 127,
  message: `exec: "${name}": executable file not found in $PATH`,
});

export type State = 'executable' | 'missing' | 'denied' | 'directory' | 'not-a-program';

function examine(path: string): State {
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) return 'directory';
    accessSync(path, constants.X_OK);
    return stat.isFile() ? 'executable' : 'denied';
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing';
    if (code === 'EACCES' || code === 'ELOOP' || code === 'ENAMETOOLONG') return 'denied';
    throw error;
  }
}

export function judge(path: string, state: State): FoundProgram {
  if (state === 'executable') return { found: true, path };
  return { found: false, exitCode: state === 'missing' ? 127 : 126, message: `exec: "${path}": ${WORDS[state]}` };
}
const WORDS = {
  missing: 'no such file or directory',
  denied: 'permission denied',
  directory: 'is a directory',
  'not-a-program': 'exec format error',
} as const satisfies Record<Exclude<State, 'executable'>, string>;

/** What execve(2) said about a program that is there. ENOENT: the interpreter of its first line, or of its ELF header, is not. */
export function refusedProgram(name: string, code: string | undefined): MissingProgram {
  const exitCode = code === 'ENOENT' ? 127 : 126;
  return { found: false, exitCode, message: `exec: "${name}": ${EXEC_WORDS[code ?? ''] ?? WORDS.denied}` };
}
const EXEC_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'its interpreter does not exist',
  ENOEXEC: WORDS['not-a-program'],
  E2BIG: 'argument list too long',
  ETXTBSY: 'text file busy',
};

/** What execve(2) says about a file, as opposed to what a machine short of memory or processes says. */
export const REFUSALS: ReadonlySet<string | undefined> = new Set([
  'ENOENT',
  'EACCES',
  'ENOEXEC',
  'EPERM',
  'ELOOP',
  'ENOTDIR',
  'ETXTBSY',
  'EINVAL',
  'ELIBBAD',
  'E2BIG',
]);

const ELF = Buffer.from('\x7fELF', 'latin1');

/**
 * Whether execve(2) can take the file: a script that names its interpreter, or ELF. Asked first, because what follows would hand
 * any other file to /bin/sh, as execvp(3) does and no container runtime.
 */
export function hasProgramFormat(path: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    // Executable and not readable: the kernel will say.
    return true;
  }
  try {
    const head = Buffer.alloc(4);
    const size = readSync(descriptor, head, 0, head.length, 0);
    return head.subarray(0, size).equals(ELF) || head.toString('latin1', 0, 2) === '#!';
  } finally {
    closeSync(descriptor);
  }
}
