import { TsbuildError } from '../support/errors.js';
import { suggest } from '../support/suggest.js';

/** One option of a command. Options are written `--name value`, `--name=value`, `-n value`, `-nvalue` or `-n=value`. */
export interface OptionSpec {
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** A `flag` takes no value, but for `--flag=false`; of a `value` the last one counts; a `list` gathers all. */
  readonly kind: 'flag' | 'value' | 'list';
  /** Of a flag: what may stand behind `=` beside true and false, to be had with `value`. */
  readonly words?: readonly string[];
  /** Stands for the value in help texts. */
  readonly placeholder?: string;
  readonly about: string;
  /** Left out of help texts: taken only because Docker takes it. */
  readonly hidden?: true;
  /** Taken without effect, for this reason. */
  readonly ignored?: string;
}

export interface ArgumentsSpec {
  /** As the user calls it, for messages: `tsbuild build`. */
  readonly command: string;
  readonly options: readonly OptionSpec[];
  readonly positionals: { readonly min: number; readonly max: number };
  /** Options that Docker has and this version has not, so that a message can say so. */
  readonly unsupported?: readonly string[];
  /** What to do instead of using an option, by its name or letter. */
  readonly instead?: Readonly<Record<string, string>>;
  /** Everything behind the first positional word is one, too. */
  readonly optionsFirst?: true;
}

export interface ParsedArguments {
  /** Whether the flag is on; `absent` when it was not given. */
  flag(name: string, absent?: boolean): boolean;
  value(name: string): string | undefined;
  list(name: string): readonly string[];
  readonly positionals: readonly string[];
}

interface Reader {
  readonly spec: ArgumentsSpec;
  /** What is still to be read, the next word last. */
  readonly rest: string[];
  readonly values: Map<string, string[]>;
  readonly positionals: string[];
}

/**
 * Reads a command's words as Docker's command line does (github.com/spf13/pflag): options may stand before, between and after
 * the positional words, one-letter flags may be combined, and `--` ends the options.
 * @throws `USAGE`
 */
export function parseArguments(words: readonly string[], spec: ArgumentsSpec): ParsedArguments {
  const reader: Reader = { spec, rest: words.toReversed(), values: new Map(), positionals: [] };
  for (let word = reader.rest.pop(); word !== undefined; word = reader.rest.pop()) {
    if (word === '--') reader.positionals.push(...reader.rest.splice(0).reverse());
    else if (word.startsWith('--')) readLong(reader, word);
    else if (word.startsWith('-') && word !== '-') readShorts(reader, word);
    else reader.positionals.push(word, ...(spec.optionsFirst === true ? reader.rest.splice(0).reverse() : []));
  }
  const parsed = parsedArguments(reader);
  if (!parsed.flag('help')) checkPositionals(reader);
  return parsed;
}

function parsedArguments({ values, positionals }: Reader): ParsedArguments {
  return {
    flag: (name, absent = false) => {
      const given = values.get(name)?.at(-1);
      return given === undefined ? absent : given === 'true';
    },
    value: (name) => values.get(name)?.at(-1),
    list: (name) => values.get(name) ?? [],
    positionals,
  };
}

function readLong(reader: Reader, word: string): void {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
  const option = reader.spec.options.find((candidate) => candidate.name === name);
  if (option === undefined) throw unknownOption(reader.spec, `--${name}`);
  readValue(reader, { option, written: `--${name}`, attached: equals < 0 ? undefined : word.slice(equals + 1) });
}

function readShorts(reader: Reader, word: string): void {
  for (let index = 1; index < word.length; index++) {
    const written = `-${word.charAt(index)}`;
    const option = reader.spec.options.find((candidate) => candidate.short === word.charAt(index));
    if (option === undefined) throw unknownOption(reader.spec, written);
    const rest = word.slice(index + 1);
    if (option.kind === 'flag' && !rest.startsWith('=')) {
      readValue(reader, { option, written, attached: undefined });
      continue;
    }
    readValue(reader, { option, written, attached: rest === '' ? undefined : rest.replace(/^=/, '') });
    return;
  }
}

interface Occurrence {
  readonly option: OptionSpec;
  /** As the user wrote it: `--tag` or `-t`. */
  readonly written: string;
  /** What follows in the same word. */
  readonly attached: string | undefined;
}

function readValue(reader: Reader, occurrence: Occurrence): void {
  const { option } = occurrence;
  const value = option.kind === 'flag' ? truth(reader.spec, occurrence) : valueOf(reader, occurrence);
  const earlier = reader.values.get(option.name);
  if (earlier === undefined) reader.values.set(option.name, [value]);
  else earlier.push(value);
}

/** Go's strconv.ParseBool, which Docker's flags take. */
function truth(spec: ArgumentsSpec, { option, written, attached }: Occurrence): string {
  if (attached !== undefined && option.words?.includes(attached) === true) return attached;
  if (attached === undefined || ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(attached)) return 'true';
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(attached)) return 'false';
  const words = option.words === undefined ? undefined : `Use ${[...option.words, 'true', 'false'].join(', ')}.`;
  throw usageError(spec, `cannot use flag "${written}": "${attached}" is neither true nor false`, words);
}

function valueOf(reader: Reader, { written, attached }: Occurrence): string {
  if (attached !== undefined) return attached;
  const next = reader.rest.pop();
  if (next === undefined) throw usageError(reader.spec, `cannot use flag "${written}": it needs a value`);
  if (isOption(reader.spec, next)) {
    throw usageError(
      reader.spec,
      `cannot use flag "${written}": it needs a value, and "${next}" is a flag`,
      `To give that very value, write ${written}=${next}.`,
    );
  }
  return next;
}

function isOption({ options }: ArgumentsSpec, word: string): boolean {
  return options.some(({ name, short }) => word === `--${name}` || word === `-${short ?? '-'}`);
}

function unknownOption(spec: ArgumentsSpec, written: string): TsbuildError {
  const name = written.replace(/^--?/, '');
  if (spec.instead !== undefined && Object.hasOwn(spec.instead, name)) {
    return usageError(spec, `cannot use flag "${written}": ${spec.command} has no such flag`, spec.instead[name]);
  }
  if (written.startsWith('--') && spec.unsupported?.includes(name) === true) {
    return usageError(spec, `cannot use flag "${written}": this version of tsbuild does not support it`);
  }
  const near = written.startsWith('--')
    ? suggest(
        name,
        spec.options.map((option) => option.name),
      )
    : undefined;
  const state = `cannot use flag "${written}": ${spec.command} has no such flag`;
  return usageError(spec, state, near === undefined ? undefined : `Did you mean --${near}?`);
}

function checkPositionals({ spec, positionals }: Reader): void {
  const { min, max } = spec.positionals;
  const count = positionals.length;
  if (count >= min && count <= max) return;
  const wanted = wantedCount(min, max);
  const surplus = positionals.at(max);
  const given =
    surplus === undefined || count < min ? `${count} given` : `${count} given, the first too many is "${surplus}"`;
  throw usageError(spec, `cannot run "${spec.command}": it takes ${wanted}, ${given}`);
}

function wantedCount(min: number, max: number): string {
  const noun = (count: number): string => (count === 1 ? 'argument' : 'arguments');
  if (max === 0) return 'no arguments';
  if (min === max) return `exactly ${min} ${noun(min)}`;
  if (max === Number.POSITIVE_INFINITY) return `at least ${min} ${noun(min)}`;
  return min === 0 ? `at most ${max} ${noun(max)}` : `${min} to ${max} arguments`;
}

/** A mistake on the command line, with where to read how it is done right. */
export function usageError(spec: Pick<ArgumentsSpec, 'command'>, message: string, advice?: string): TsbuildError {
  const see = `See '${spec.command} --help'.`;
  return new TsbuildError('USAGE', message, { hint: advice === undefined ? see : `${advice} ${see}` });
}
