import { posix } from 'node:path';
import { shellTokens, type ShellWord } from './shell-word.js';

/** One simple command of a script. */
export interface ShellCommand {
  /** Of the program, without its folder; empty for assignments alone. */
  readonly name: string;
  readonly args: readonly ShellWord[];
  /** `NAME=value` in front of it. */
  readonly assignments: readonly ShellWord[];
  /** `sudo` stands in front of the program. */
  readonly sudo: boolean;
  /** Its input comes from another command. */
  readonly fed: boolean;
  /** The operator behind it; empty at the end of the script. */
  readonly then: string;
}

/** Words that stand before a command and are none of it. */
const KEYWORDS: ReadonlySet<string> = new Set([
  'if',
  'then',
  'else',
  'elif',
  'do',
  'while',
  'until',
  '!',
  'fi',
  'done',
  'esac',
]);
/** Programs that run the program behind them. */
const PREFIXES: ReadonlySet<string> = new Set([
  'sudo',
  'env',
  'exec',
  'command',
  'time',
  'nice',
  'nohup',
  'eatmydata',
  'builtin',
]);
const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*\+?=/;

/** The simple commands of a script in their order. Loops and conditions are taken apart, not followed. */
export function shellCommands(script: string): readonly ShellCommand[] {
  const commands: ShellCommand[] = [];
  let words: ShellWord[] = [];
  let before = '';
  const finish = (then: string): void => {
    if (words.length > 0) commands.push({ ...toCommand(words), fed: before === '|' || before === '|&', then });
    words = [];
    before = then;
  };
  for (const token of shellTokens(script)) {
    if (token.kind === 'operator') finish(token.text);
    else if (words.length > 0 || !KEYWORDS.has(token.word.raw)) words.push(token.word);
  }
  finish('');
  return commands;
}

function toCommand(words: readonly ShellWord[]): Pick<ShellCommand, 'name' | 'args' | 'assignments' | 'sudo'> {
  const assignments: ShellWord[] = [];
  let sudo = false;
  let behindPrefix = false;
  for (const [index, word] of words.entries()) {
    const name = posix.basename(word.text);
    if (ASSIGNMENT.test(word.raw)) assignments.push(word);
    else if (PREFIXES.has(name) && index < words.length - 1) {
      sudo ||= name === 'sudo';
      behindPrefix = true;
    } else if (!behindPrefix || !word.text.startsWith('-')) {
      return { name, args: words.slice(index + 1), assignments, sudo };
    }
  }
  return { name: '', args: [], assignments, sudo };
}
