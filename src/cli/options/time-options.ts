import type { BuildRequest } from '../../builder/build-request.js';
import { TsbuildError } from '../../support/errors.js';
import { usageError, type ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';

const BUILD = { command: 'tsbuild build' };

export type Times = Pick<BuildRequest, 'sourceDateEpoch' | 'fileTimes'>;

/**
 * The time of an image: of an option as buildah has them, else the build argument SOURCE_DATE_EPOCH, else the variable of the
 * environment.
 * @throws `USAGE`
 */
export function readTimes(
  parsed: ParsedArguments,
  { buildArgs, env }: { readonly buildArgs: BuildRequest['buildArgs']; readonly env: Host['env'] },
): Times {
  const given = givenTime(parsed);
  const argument = buildArgs['SOURCE_DATE_EPOCH'];
  const { name, text } = given ?? { name: 'SOURCE_DATE_EPOCH', text: argument ?? env['SOURCE_DATE_EPOCH'] };
  const seconds = secondsOf(name, text);
  if (given !== undefined && argument !== undefined && Number(argument) !== seconds) {
    const state = `the build argument SOURCE_DATE_EPOCH is "${argument}"`;
    throw usageError(BUILD, `cannot use ${name} "${given.text}": ${state}`, 'Give the time once.');
  }
  const fileTimes = name === '--timestamp' ? 'all' : rewriteFlag(parsed) === false ? 'kept' : undefined;
  return { sourceDateEpoch: seconds, ...(fileTimes === undefined ? {} : { fileTimes }) };
}

function givenTime(parsed: ParsedArguments): { readonly name: string; readonly text: string } | undefined {
  const [timestamp, epoch] = [parsed.value('timestamp'), parsed.value('source-date-epoch')];
  if (timestamp === undefined) return epoch === undefined ? undefined : { name: '--source-date-epoch', text: epoch };
  if (epoch !== undefined) {
    throw usageError(BUILD, 'cannot use --timestamp and --source-date-epoch together', 'Give the time once.');
  }
  if (rewriteFlag(parsed) === false) {
    const state = '--rewrite-timestamp=false keeps the times';
    throw usageError(BUILD, `cannot use --timestamp: ${state}`, 'Leave one of them out.');
  }
  return { name: '--timestamp', text: timestamp };
}

/** `undefined` where it was not given. */
function rewriteFlag(parsed: ParsedArguments): boolean | undefined {
  const [unlessFalse, onlyTrue] = [parsed.flag('rewrite-timestamp', true), parsed.flag('rewrite-timestamp', false)];
  return unlessFalse === onlyTrue ? onlyTrue : undefined;
}

/**
 * What `rewrite-timestamp` of the outputs and the options come to: one build has one sort of layers.
 * @throws `USAGE` where one keeps what another rewrites
 */
export function withOutputTimes(
  given: Times,
  outputs: readonly boolean[],
): { readonly times: Pick<Times, 'fileTimes'>; readonly warning?: string } {
  const [keeps, rewrites] = [outputs.includes(false), outputs.includes(true)];
  if (keeps && (rewrites || given.fileTimes === 'all')) {
    const state = 'the same layers cannot keep the times of their files and have them rewritten';
    throw usageError(BUILD, `cannot use rewrite-timestamp=false: ${state}`, 'Say the same for all outputs.');
  }
  if (rewrites && given.fileTimes === 'kept') {
    const state = '--rewrite-timestamp=false keeps the times';
    throw usageError(BUILD, `cannot use rewrite-timestamp=true: ${state}`, 'Leave one of them out.');
  }
  const times = keeps ? { fileTimes: 'kept' as const } : {};
  if (!rewrites || given.sourceDateEpoch !== undefined) return { times };
  return { times, warning: 'rewrite-timestamp=true changes nothing: no SOURCE_DATE_EPOCH is given' };
}

/** Seconds since 1970 (reproducible-builds.org/specs/source-date-epoch); an empty value is none. */
function secondsOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const seconds = Number(text);
  // The last second of the year 9999, beyond which RFC 3339 has no notation.
  if (/^\d{1,12}$/.test(text) && seconds <= 253_402_300_799) return seconds;
  throw new TsbuildError('USAGE', `cannot use ${name} "${text}": not a number of seconds since 1970`, {
    hint: `Set it to a whole number, as with: ${name}=$(git log -1 --format=%ct).`,
  });
}
