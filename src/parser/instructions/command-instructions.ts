import type { CommandInstruction, CommandLine, HealthcheckInstruction, ShellInstruction } from '../instruction.js';
import { quoted } from '../quoted.js';
import { parseDuration } from './values/duration.js';
import { type Flag, type Flags, readFlags, refuseFlags } from './flags.js';
import { parseStringArray } from './values/json-array.js';
import { type RawInstruction, syntaxError, wordRange } from './raw-instruction.js';
import { cutFirstWord } from './values/words.js';

export function parseCommand(raw: RawInstruction, keyword: CommandInstruction['keyword']): CommandInstruction {
  refuseFlags(raw);
  const command = parseCommandLine(raw, raw.args.text);
  if (raw.args.text === '') {
    throw syntaxError(raw, 'it has no command', { hint: `Write "${keyword} []" to take away that of the base image.` });
  }
  return { keyword, source: raw.source, text: raw.text, command };
}

export function parseShell(raw: RawInstruction): ShellInstruction {
  refuseFlags(raw);
  const command = parseCommandLine(raw, raw.args.text);
  const hint = 'Write a JSON array, as in SHELL ["/bin/bash", "-c"].';
  if (command.form === 'shell') throw syntaxError(raw, 'its argument is no JSON array', { hint });
  const [program, ...args] = command.argv;
  if (program === undefined) throw syntaxError(raw, 'it names no program', { hint });
  return { keyword: 'SHELL', source: raw.source, text: raw.text, shell: [program, ...args] };
}

/** JSON array of strings, or else shell form: even `['a']` and `["a"` are commands for the shell. */
export function parseCommandLine(raw: RawInstruction, text: string): CommandLine {
  const argv = parseStringArray(text);
  if (argv === null) throw notStrings(raw);
  return argv === undefined ? { form: 'shell', script: text } : { form: 'exec', argv };
}

export function notStrings(raw: RawInstruction): Error {
  return syntaxError(raw, 'its JSON array holds something else than strings', {
    hint: 'Put every element in double quotes, as in ["sleep", "10"].',
  });
}

export function isEmptyCommand(command: CommandLine): boolean {
  return command.form === 'shell' ? command.script === '' : command.argv.length === 0;
}

export function parseHealthcheck(raw: RawInstruction): HealthcheckInstruction {
  const flags = readFlags(raw, TIMES);
  const { word, rest = '' } = cutFirstWord(raw.args.text);
  const base = { keyword: 'HEALTHCHECK', source: raw.source, text: raw.text } as const;
  switch (word.toUpperCase()) {
    case 'NONE':
      if (rest === '' && flags.count === 0) return { ...base, command: null };
      throw syntaxError(raw, 'NONE takes neither flags nor arguments', { hint: 'Write "HEALTHCHECK NONE" alone.' });
    case 'CMD':
      return { ...base, command: parseCheck(raw, rest), ...readTimes(raw, flags) };
    default:
      throw syntaxError(raw, word === '' ? 'it has no command' : `it knows no ${quoted(word)}`, {
        source: word === '' ? raw.source : wordRange(raw, word),
        hint: 'Write "HEALTHCHECK CMD command" or "HEALTHCHECK NONE".',
      });
  }
}

function parseCheck(raw: RawInstruction, text: string): CommandLine {
  const command = parseCommandLine(raw, text);
  if (!isEmptyCommand(command)) return command;
  throw syntaxError(raw, 'there is no command behind CMD', { hint: 'Write "HEALTHCHECK CMD command".' });
}

type Times = Pick<HealthcheckInstruction, 'interval' | 'timeout' | 'startPeriod' | 'startInterval' | 'retries'>;

const TIMES = {
  interval: { takes: 'text' },
  timeout: { takes: 'text' },
  'start-period': { takes: 'text' },
  'start-interval': { takes: 'text' },
  retries: { takes: 'text' },
} as const;

function readTimes(raw: RawInstruction, flags: Flags<keyof typeof TIMES>): Times {
  const interval = readDuration(raw, flags.get('interval'));
  const timeout = readDuration(raw, flags.get('timeout'));
  const startPeriod = readDuration(raw, flags.get('start-period'));
  const startInterval = readDuration(raw, flags.get('start-interval'));
  const retries = readRetries(raw, flags.get('retries'));
  return {
    ...(interval !== undefined && { interval }),
    ...(timeout !== undefined && { timeout }),
    ...(startPeriod !== undefined && { startPeriod }),
    ...(startInterval !== undefined && { startInterval }),
    ...(retries !== undefined && { retries }),
  };
}

const MILLISECOND = 1e6;

function readDuration(raw: RawInstruction, flag: Flag | undefined): number | undefined {
  if (flag === undefined || flag.value === '') return undefined;
  const { value, source } = flag;
  const nanoseconds = parseDuration(value);
  if (nanoseconds === undefined) {
    throw syntaxError(raw, `${quoted(value)} is no duration`, {
      source,
      hint: 'Write durations as 30s, 1m30s or 500ms.',
    });
  }
  if (nanoseconds !== 0 && nanoseconds < MILLISECOND) {
    const hint = 'Give at least 1ms, or 0 for the default.';
    throw syntaxError(raw, `${quoted(value)} is less than a millisecond`, { source, hint });
  }
  return nanoseconds;
}

function readRetries(raw: RawInstruction, flag: Flag | undefined): number | undefined {
  if (flag === undefined || flag.value === '') return undefined;
  const retries = /^[-+]?[0-9]+$/.test(flag.value) ? Number(flag.value) : NaN;
  if (retries >= 0 && retries < 2 ** 31) return Math.abs(retries);
  const hint = 'Give a whole number, 0 for the default.';
  throw syntaxError(raw, `${quoted(flag.value)} is no number of retries`, { source: flag.source, hint });
}
