import type { OptionSpec } from '../argv.js';
import { argumentsSpec, GLOBAL_OPTIONS, type Command } from '../command.js';

/** What a word may go on as, and what that means. */
export interface Candidate {
  readonly word: string;
  readonly about: string;
}

export interface Candidates {
  readonly words: readonly Candidate[];
  /** Whether a path may stand there as well. */
  readonly files: boolean;
  /** Whether the name of an image in the store may. */
  readonly images: boolean;
}

const NOTHING: Candidates = { words: [], files: false, images: false };
const FILES: Candidates = { ...NOTHING, files: true };
/** Placeholders of values that are always paths, and never. */
const PATH = /^(path|directory|image\|file)$/;
const NO_PATH = /^(number|bytes|filter)$/;

/**
 * What may stand where the last of `words` is being written.
 * @param words those after `tsbuild`
 */
export function candidatesFor(words: readonly string[], commands: readonly Command[]): Candidates {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const command = commands.find(({ name }) => name === commandWord(before));
  const options = command === undefined ? GLOBAL_OPTIONS : argumentsSpec(command).options;
  if (before.includes('--')) return operandsOf(command);
  const awaited = awaitedBy(before.at(-1) ?? '', options);
  if (awaited !== undefined) return valuesOf(awaited, '');
  const [, name] = /^--([^=]+)=/.exec(current) ?? [];
  if (name !== undefined) return ofLongOption(name, options);
  if (current.startsWith('-')) return { ...NOTHING, words: shownOptions(options) };
  return command === undefined ? anyCommand(commands) : operandsOf(command, commands);
}

function anyCommand(commands: readonly Command[]): Candidates {
  // The name of the build command may be left out.
  return { ...FILES, words: commands.map(({ name, summary }) => ({ word: name, about: summary })) };
}

/** The first word that is neither a global option nor its value. */
function commandWord(words: readonly string[]): string | undefined {
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (awaitedBy(word, GLOBAL_OPTIONS) !== undefined) at += 1;
    else if (!word.startsWith('-')) return word;
  }
  return undefined;
}

/** The option whose value the next word is. */
function awaitedBy(word: string, options: readonly OptionSpec[]): OptionSpec | undefined {
  const option = options.find(
    ({ name, short }) => word === `--${name}` || (short !== undefined && word === `-${short}`),
  );
  return option?.kind === 'flag' ? undefined : option;
}

function ofLongOption(name: string, options: readonly OptionSpec[]): Candidates {
  const option = options.find((candidate) => candidate.name === name && candidate.kind !== 'flag');
  return option === undefined ? NOTHING : valuesOf(option, `--${name}=`);
}

/** Help texts quote the words that an option takes. */
function valuesOf({ about, placeholder = '' }: OptionSpec, prefix: string): Candidates {
  if (PATH.test(placeholder)) return FILES;
  const quoted = [...about.matchAll(/"([a-z0-9][a-z0-9.-]*)"/g)].map(([, word = '']) => word);
  if (quoted.length === 0) return NO_PATH.test(placeholder) ? NOTHING : FILES;
  return { ...NOTHING, words: [...new Set(quoted)].map((word) => ({ word: `${prefix}${word}`, about: '' })) };
}

function shownOptions(options: readonly OptionSpec[]): readonly Candidate[] {
  return options
    .filter(({ hidden }) => hidden !== true)
    .map(({ name, about }) => ({ word: `--${name}`, about }))
    .sort((a, b) => (a.word < b.word ? -1 : 1));
}

/** Told by what the usage line calls them. */
function operandsOf(command: Command | undefined, commands: readonly Command[] = []): Candidates {
  const operands = command?.operands ?? '';
  if (operands.includes('COMMAND')) return { ...NOTHING, words: anyCommand(commands).words };
  if (/^[a-z|]+$/.test(operands)) {
    return { ...NOTHING, words: operands.split('|').map((word) => ({ word, about: '' })) };
  }
  return { ...NOTHING, files: /PATH|SOURCE |FILE/.test(operands), images: /IMAGE|NAME|SOURCE/.test(operands) };
}
