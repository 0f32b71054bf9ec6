import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ERROR_CODES, isTsbuildError, systemErrorCode } from '../support/errors.js';
import { parseArguments } from './argv.js';
import { argumentsSpec, type Command } from './command.js';
import { COMMANDS, findCommand } from './tables/command-table.js';
import { EndWithStatus } from './errors/end-with-status.js';
import type { Host } from './host.js';
import { print } from './output-stream.js';
import { ReportedError } from './errors/reported-error.js';
import { isAddress } from './sources/is-address.js';
import { unknownCommand } from './errors/unknown-command.js';

/** What a process ends with that SIGPIPE has killed: 128 and the signal's number. */
const READER_GONE = 141;
const INTERNAL_ERROR = 1;
/** 128 and the signal's number, as shells report it. */
const STATUS_OF_SIGNAL: Readonly<Record<string, number>> = { SIGHUP: 129, SIGTERM: 143 };

/** Runs one command line. @returns the exit status; failures have been written to standard error */
export async function runCli(argv: readonly string[], host: Host): Promise<number> {
  let command: Command | undefined;
  try {
    const invocation = findInvocation(argv, (path) => existsSync(resolve(host.cwd, path)));
    command = invocation.command;
    await perform(invocation, host);
    return 0;
  } catch (error) {
    return await report(error, host, command?.failureStatus);
  }
}

async function perform({ command, words }: Invocation, host: Host): Promise<void> {
  const parsed = parseArguments(words, argumentsSpec(command));
  if (parsed.flag('help') && command.name !== 'help') {
    const { commandHelp } = await import('./help.js');
    await print(host.stdout, commandHelp(command));
    return;
  }
  const { run } = await command.load();
  await run(parsed, host, COMMANDS);
}

export interface Invocation {
  readonly command: Command;
  /** The options and arguments, those before the command's name included. */
  readonly words: readonly string[];
}

/**
 * The first word that is no global option names the command, unless it is an option, a path or a URL: then the command is `build`.
 * @throws `USAGE`
 */
export function findInvocation(argv: readonly string[], exists: (path: string) => boolean): Invocation {
  const before = globalWords(argv);
  const word = argv[before];
  const globals = argv.slice(0, before);
  if (word === undefined) return { command: commandNamed('help'), words: globals };
  if (word === '--version' || word === '-v') {
    return { command: commandNamed('version'), words: [...globals, ...argv.slice(before + 1)] };
  }
  const command = findCommand(word);
  if (command !== undefined) return { command, words: [...globals, ...argv.slice(before + 1)] };
  if (word.startsWith('-') || exists(word) || isAddress(word)) return { command: commandNamed('build'), words: argv };
  throw unknownCommand(word, COMMANDS);
}

/** How many words at the start are global options and their values. */
function globalWords(argv: readonly string[]): number {
  let count = 0;
  for (;;) {
    const word = argv[count] ?? '';
    if (word === '--store' || word === '--additional-store') count += 2;
    else if (/^--(additional-)?store=/.test(word) || /^(--help|-h)(=|$)/.test(word)) count += 1;
    else return Math.min(count, argv.length);
  }
}

function commandNamed(name: string): Command {
  const command = findCommand(name);
  if (command === undefined) throw unknownCommand(name, COMMANDS);
  return command;
}

async function report(error: unknown, host: Host, failureStatus: number | undefined): Promise<number> {
  if (systemErrorCode(error) === 'EPIPE') return READER_GONE;
  if (error instanceof EndWithStatus) return error.status;
  const cause = error instanceof ReportedError ? error.cause : error;
  const status = failureStatus === undefined || host.signal.aborted ? exitStatus(cause, host) : failureStatus;
  if (error instanceof ReportedError) return status;
  await tell(host, isCancellation(error, host) ? 'cancelled\n' : await rendered(error, host));
  return status;
}

async function rendered(error: unknown, host: Host): Promise<string> {
  const { renderError } = await import('./errors/render-error.js');
  const { colorOf } = await import('./text/color.js');
  const { takesUtf8 } = await import('./text/charset.js');
  const { sources, stderr, env } = host;
  const options = { sources, color: colorOf(stderr, env), utf8: takesUtf8(stderr, env) };
  return errorsOf(error)
    .map((each) => renderError(each, options))
    .join('');
}

async function tell(host: Host, text: string): Promise<void> {
  try {
    await print(host.stderr, text);
  } catch (error) {
    // With standard error closed, its terminal gone or its disk full there is nobody left to tell.
    if (systemErrorCode(error) !== 'EPIPE' && !isTsbuildError(error)) throw error;
  }
}

function errorsOf(error: unknown): readonly unknown[] {
  return error instanceof AggregateError ? error.errors : [error];
}

/** Once the user has cancelled, whatever is thrown comes of that, unless it is an error with a code of its own. */
function isCancellation(error: unknown, host: Host): boolean {
  return host.signal.aborted && (!isTsbuildError(error) || error.code === 'ABORTED');
}

function exitStatus(error: unknown, host: Host): number {
  if (host.signal.aborted) return STATUS_OF_SIGNAL[String(host.signal.reason)] ?? ERROR_CODES.ABORTED.exit;
  const first = errorsOf(error)[0];
  return isTsbuildError(first) ? ERROR_CODES[first.code].exit : INTERNAL_ERROR;
}
