/** There is no program to start: with the exit code and the words that a shell has for it. */
export interface MissingProgram {
  readonly found: false;
  readonly exitCode: 126 | 127;
  readonly message: string;
}

export const notFound = (name: string): MissingProgram => ({
  found: false,
  exitCode: 127,
  message: `exec: "${name}": executable file not found in $PATH`,
});

/** What is at a path that is no program. */
export type Obstacle = 'missing' | 'denied' | 'directory';

export function unusable(path: string, obstacle: Obstacle): MissingProgram {
  return { found: false, exitCode: obstacle === 'missing' ? 127 : 126, message: `exec: "${path}": ${WORDS[obstacle]}` };
}
const WORDS = {
  missing: 'no such file or directory',
  denied: 'permission denied',
  directory: 'is a directory',
} as const satisfies Record<Obstacle, string>;

/** What execve(2) said about a program that is there. ENOENT: the interpreter of its first line, or of its ELF header, is not. */
export function refusedProgram(name: string, code: string | undefined): MissingProgram {
  const exitCode = code === 'ENOENT' ? 127 : 126;
  return { found: false, exitCode, message: `exec: "${name}": ${EXEC_WORDS[code ?? ''] ?? WORDS.denied}` };
}
const EXEC_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'its interpreter does not exist',
  ENOEXEC: 'exec format error',
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
