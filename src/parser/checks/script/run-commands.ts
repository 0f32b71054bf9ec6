import type { RunCommand } from '../../instruction.js';
import { type ShellCommand, shellCommands } from './shell-command.js';

const SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'ash', 'dash', 'zsh']);

/** What a RUN runs, as commands of a shell; nothing where its script is for another interpreter. */
export function runCommands(command: RunCommand): readonly ShellCommand[] {
  return shellCommands(runScript(command));
}

/** The text that a shell reads; a list of words is one command. */
export function runScript(command: RunCommand): string {
  switch (command.form) {
    case 'shell':
      return command.script;
    case 'heredoc':
      return isForeign(command.heredoc.content) ? '' : command.heredoc.content;
    case 'exec':
      return execScript(command.argv);
  }
}

/** `["bash", "-lc", "script"]` is that script. */
function execScript(argv: readonly string[]): string {
  const [program = '', flags = '', script] = argv;
  const name = program.replace(/^.*\//s, '');
  if (SHELLS.has(name) && /^-[a-z]*c$/.test(flags) && script !== undefined) return script;
  return argv.map(quoteWord).join(' ');
}

function quoteWord(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function isForeign(script: string): boolean {
  const [, program = ''] = /^#!\s*(?:\S*\/env\s+(?:-S\s+)?)?(\S+)/.exec(script) ?? [];
  return program !== '' && !SHELLS.has(program.replace(/^.*\//s, ''));
}
