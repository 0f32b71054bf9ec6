import type { CommandLine } from '../../../parser/instruction.js';

const DEFAULT_SHELL = ['/bin/sh', '-c'] as const;

/** The words to execute: those of the exec form as they are, a script as the last word after the shell's. */
export function commandWords(command: CommandLine, shell: readonly string[]): readonly string[] {
  if (command.form === 'exec') return command.argv;
  return [...(shell.length === 0 ? DEFAULT_SHELL : shell), command.script];
}
