import { isIP } from 'node:net';
import type { BuildRequest } from '../../builder/build-request.js';
import { parseByteSize } from '../../parser/instructions/values/byte-size.js';
import { readCsvFields } from '../../parser/instructions/values/csv-fields.js';
import type { Allowance, NameResolution } from '../../sandbox/run-spec.js';
import type { TsbuildError } from '../../support/errors.js';
import { usageError, type ParsedArguments } from '../argv.js';

const BUILD = { command: 'tsbuild build' };

/** What a command line grants each step of the machine, and whom steps ask for addresses; in Docker's spelling. @throws `USAGE` */
export function readStepOptions(parsed: ParsedArguments): Pick<BuildRequest, 'allowance' | 'nameResolution'> {
  const allowance = readAllowance(parsed);
  const nameResolution = readNameResolution(parsed);
  return {
    ...(Object.values(allowance).every((one) => one === undefined) ? {} : { allowance }),
    ...(nameResolution === undefined ? {} : { nameResolution }),
  };
}

function refused(option: string, word: string, [state, hint]: readonly [state: string, hint: string]): TsbuildError {
  return usageError(BUILD, `cannot use --${option} "${word}": ${state}`, hint);
}

const RESOURCES: readonly string[] = [
  ...['memory', 'memory-swap', 'cpus', 'cpu-shares', 'cpu-period', 'cpu-quota', 'cpuset-cpus', 'cpuset-mems'],
];

/** `--resource memory=2g` is `--memory 2g`. */
function withResources(parsed: ParsedArguments): Pick<ParsedArguments, 'value'> {
  const values = new Map<string, string>();
  for (const word of parsed.list('resource')) {
    for (const { text } of readCsvFields(word) ?? []) {
      const [name = '', value] = text.split(/=(.*)/s);
      if (value === undefined || !RESOURCES.includes(name)) {
        throw refused('resource', word, [`"${text}" is no limit`, `Write NAME=value, of ${RESOURCES.join(', ')}.`]);
      }
      if (parsed.value(name) !== undefined) throw refused('resource', word, [`--${name} says it, too`, 'Give one.']);
      values.set(name, value);
    }
  }
  return { value: (name) => values.get(name) ?? parsed.value(name) };
}

function readAllowance(given: ParsedArguments): Allowance {
  const parsed = withResources(given);
  const memoryBytes = memory(parsed.value('memory'));
  return {
    memoryBytes,
    memorySwapBytes: memorySwap(parsed.value('memory-swap'), memoryBytes),
    ...processorTime(parsed),
    cpuShares: cpuShares(parsed.value('cpu-shares')),
    processors: numberList('cpuset-cpus', parsed.value('cpuset-cpus')),
    memoryNodes: numberList('cpuset-mems', parsed.value('cpuset-mems')),
  };
}

const SIZE_HINT = 'Write a number of bytes, or as with 512m or 2g.';
/** Docker's: below, not even a shell starts. */
const LEAST_MEMORY = 6 * 1024 ** 2;

function memory(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  const bytes = parseByteSize(word);
  if (bytes === undefined) throw refused('memory', word, ['it is no size', SIZE_HINT]);
  if (bytes >= LEAST_MEMORY) return bytes;
  throw refused('memory', word, ['it is less than 6 MiB, with which no program starts', SIZE_HINT]);
}

function memorySwap(word: string | undefined, memoryBytes: number | undefined): number | undefined {
  if (word === undefined) return undefined;
  if (memoryBytes === undefined) {
    throw refused('memory-swap', word, ['it needs a limit of memory', 'Give --memory, too.']);
  }
  if (word === '-1') return Infinity;
  const bytes = parseByteSize(word);
  if (bytes === undefined)
    throw refused('memory-swap', word, ['it is no size', `${SIZE_HINT} -1 is any amount of swap.`]);
  if (bytes >= memoryBytes) return bytes;
  const hint = 'It is that of memory and swap together: give at least what --memory says, which is no swap at all.';
  throw refused('memory-swap', word, ['it is less than --memory', hint]);
}

const USUAL_PERIOD = 100_000;

/** Within what the kernel takes: periods of a millisecond to a second, a millisecond of time at least. */
function processorTime(
  parsed: Pick<ParsedArguments, 'value'>,
): Pick<Allowance, 'cpuQuotaMicroseconds' | 'cpuPeriodMicroseconds'> {
  const cpuQuotaMicroseconds = microseconds('cpu-quota', parsed.value('cpu-quota'), Infinity);
  const cpuPeriodMicroseconds = microseconds('cpu-period', parsed.value('cpu-period'), 1_000_000);
  const word = parsed.value('cpus');
  if (word === undefined) return { cpuQuotaMicroseconds, cpuPeriodMicroseconds };
  if (cpuQuotaMicroseconds !== undefined || cpuPeriodMicroseconds !== undefined) {
    const hint = 'Give --cpus, or --cpu-quota and --cpu-period.';
    throw refused('cpus', word, ['--cpu-quota and --cpu-period say the same in other words', hint]);
  }
  const count = /^(?:\d+\.?\d*|\.\d+)$/.test(word) ? Number(word) : 0;
  if (count < 0.01 || count > 100_000) {
    throw refused('cpus', word, ['it is no number of processors', 'Write a number from 0.01 on, such as 2 or 1.5.']);
  }
  return { cpuQuotaMicroseconds: Math.round(count * USUAL_PERIOD), cpuPeriodMicroseconds: USUAL_PERIOD };
}

function microseconds(option: string, word: string | undefined, most: number): number | undefined {
  if (word === undefined) return undefined;
  const amount = /^\d{1,15}$/.test(word) ? Number(word) : 0;
  if (amount >= 1000 && amount <= most) return amount;
  const upTo = most === Infinity ? '' : ` to ${most}`;
  throw refused(option, word, ['it is out of range', `Write a number of microseconds, from 1000${upTo}.`]);
}

function cpuShares(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  const shares = /^\d{1,6}$/.test(word) ? Number(word) : 0;
  if (shares >= 2 && shares <= 262_144) return shares;
  throw refused('cpu-shares', word, ['it is out of range', 'Write a number from 2 to 262144; 1024 is usual.']);
}

function numberList(option: string, word: string | undefined): string | undefined {
  if (word === undefined || /^\d{1,5}(?:-\d{1,5})?(?:,\d{1,5}(?:-\d{1,5})?)*$/.test(word)) return word;
  throw refused(option, word, ['it is no list of numbers', 'Write it as 0-3 or 0,1.']);
}

function readNameResolution(parsed: ParsedArguments): NameResolution | undefined {
  const servers = parsed.list('dns').map(nameServer);
  const searches = parsed.list('dns-search').map((word) => oneWord('dns-search', word));
  const options = parsed.list('dns-option').map((word) => oneWord('dns-option', word));
  if (servers.length + searches.length + options.length === 0) return undefined;
  return { servers, searches, options };
}

function nameServer(word: string): string {
  // A link-local address may have a scope: fe80::1%eth0.
  if (isIP(word.replace(/%[\w.-]+$/, '')) !== 0) return word;
  throw refused('dns', word, ['it is no address', 'Write an address such as 192.0.2.53.']);
}

/** It becomes a word of a line in resolv.conf. */
function oneWord(option: string, word: string): string {
  if (/^[^\s#;]+$/.test(word)) return word;
  throw refused(option, word, ['it is not one word', 'Give the option once for each word.']);
}
