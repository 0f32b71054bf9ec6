import { usageError, type ParsedArguments } from '../argv.js';

/** What `--call` asks for in the place of a build. */
export interface Call {
  readonly name: 'check' | 'outline' | 'targets' | 'subrequests.describe';
  readonly format: 'text' | 'json';
  /** The exit status does not tell of warnings. */
  readonly ignoreStatus: boolean;
}

const BUILD = { command: 'tsbuild build' };
const NAMES: readonly Call['name'][] = ['check', 'outline', 'targets', 'subrequests.describe'];

/**
 * The call that a `tsbuild build` is, by `--check` or `--call`; `undefined` for a build.
 * @throws `USAGE`
 */
export function callOf(parsed: ParsedArguments): Call | undefined {
  const text = parsed.value('call') ?? (parsed.flag('check') ? 'check' : 'build');
  const fields = text.split(',').map(splitOnce);
  const [name = 'build', ...others] = fields.flatMap(([key, value]) => (value === undefined ? [key] : []));
  if (others.length > 0) throw malformed(text, 'it names two methods');
  if (name === 'build' || text === '') return undefined;
  return { name: methodOf(name, text), ...settingsOf(fields, text) };
}

function settingsOf(fields: readonly Field[], text: string): Omit<Call, 'name'> {
  let format: Call['format'] = 'text';
  let ignoreStatus = false;
  for (const [key, value] of fields) {
    if (value === undefined) continue;
    if (key === 'format') format = formatOf(value, `--call "${text}"`);
    else if (key === 'ignorestatus') ignoreStatus = /^(?:1|t|true)$/i.test(value);
    else throw malformed(text, `"${key}" is not known`);
  }
  return { format, ignoreStatus };
}

/** @throws `USAGE` */
export function formatOf(text: string, option: string): Call['format'] {
  if (text === 'json' || text === 'text') return text;
  throw usageError(BUILD, `cannot use ${option}: "${text}" is no format`, 'Use text or json.');
}

function methodOf(name: string, text: string): Call['name'] {
  const known = NAMES.find((candidate) => candidate === (name === 'lint' ? 'check' : name));
  if (known !== undefined) return known;
  throw malformed(text, 'there is no such method');
}

function malformed(text: string, state: string): Error {
  return usageError(BUILD, `cannot use --call "${text}": ${state}`, `Use ${NAMES.join(', ')} or build.`);
}

type Field = readonly [key: string, value: string | undefined];

function splitOnce(field: string): Field {
  const equals = field.indexOf('=');
  return equals < 0 ? [field, undefined] : [field.slice(0, equals), field.slice(equals + 1)];
}
