import type { SourceRange } from '../../../support/source-range.js';
import { TsbuildError } from '../../../support/errors.js';
import { asTemplate } from '../../expand-template.js';
import type { MountFlag, Template } from '../../instruction.js';
import { quoted } from '../../quoted.js';
import { didYouMean } from '../../suggestion.js';
import { type CsvField, readCsvFields } from '../values/csv-fields.js';

/** Every option by its first name. */
export type MountKey =
  | 'type'
  | 'from'
  | 'source'
  | 'target'
  | 'readonly'
  | 'readwrite'
  | 'id'
  | 'sharing'
  | 'required'
  | 'size'
  | 'mode'
  | 'uid'
  | 'gid'
  | 'env';

const KEYS: ReadonlyMap<string, MountKey> = new Map([
  ...(['type', 'from', 'source', 'target', 'readonly', 'readwrite', 'id', 'sharing'] as const).map(
    (key) => [key, key] as const,
  ),
  ...(['required', 'size', 'mode', 'uid', 'gid', 'env'] as const).map((key) => [key, key] as const),
  ['src', 'source'],
  ['dst', 'target'],
  ['destination', 'target'],
  ['ro', 'readonly'],
  ['rw', 'readwrite'],
]);

/** These may stand without a value. */
const SWITCHES: readonly MountKey[] = ['readonly', 'readwrite', 'required'];

export interface MountOption {
  readonly key: MountKey;
  /** With its variables; absent where there is no `=`. */
  readonly value?: Template;
  readonly field: CsvField;
}

/** What an error about a mount points at: the field, or all of the flag. */
export interface MountPlace {
  readonly flag: MountFlag;
  readonly field?: CsvField;
}

/** @throws TsbuildError DOCKERFILE_SYNTAX for text that is no CSV, an unknown option or one without its value. */
export function readMountOptions(flag: MountFlag): readonly MountOption[] {
  return readFields(flag).map((field) => {
    const { name, value } = splitField(field);
    const key = KEYS.get(name);
    if (key === undefined) throw unknownKey({ flag, field }, name);
    if (value === undefined && !SWITCHES.includes(key)) {
      throw mountError({ flag, field }, `${quoted(field.text)} has no value`, { hint: `Write ${name}=value.` });
    }
    return { key, field, ...(value !== undefined && { value: asTemplate(value) }) };
  });
}

/**
 * The stage, context or image that a mount is from, as written: BuildKit expands no variables there. `undefined` for the build
 * context. Needs no environment, so that the stages that a build needs are known before any is expanded.
 * @throws TsbuildError DOCKERFILE_SYNTAX for text that is no CSV, and for a variable.
 */
export function mountFrom(flag: MountFlag): string | undefined {
  let from = '';
  for (const field of readFields(flag)) {
    const { name, value = '' } = splitField(field);
    if (name !== 'from') continue;
    if (/\$[^]/.test(value)) {
      throw mountError({ flag, field }, 'from takes no variables', {
        hint: 'Declare a stage for it, with an ARG above the first FROM and "FROM $NAME AS stage", and mount from that stage.',
      });
    }
    from = value;
  }
  return from === '' ? undefined : from;
}

function readFields(flag: MountFlag): readonly CsvField[] {
  const fields = readCsvFields(flag.text);
  if (fields !== undefined) return fields;
  const state = flag.text === '' ? 'it is empty' : 'its quotes do not match';
  throw mountError({ flag }, state, {
    hint: `Write options as type=cache,target=/path; where one has a comma in it, quote it twice, as '"target=/a,b"'.`,
  });
}

function splitField({ text }: CsvField): { readonly name: string; readonly value: string | undefined } {
  const at = text.indexOf('=');
  if (at === -1) return { name: text.toLowerCase(), value: undefined };
  return { name: text.slice(0, at).toLowerCase(), value: text.slice(at + 1) };
}

/** Of Docker's `run --mount` and of Buildah: they have no meaning in a build. */
const FOREIGN: readonly string[] = ['z', 'u', 'relabel', 'bind-propagation', 'consistency', 'tmpfs-size', 'tmpfs-mode'];

function unknownKey(place: MountPlace, name: string): TsbuildError {
  const list = `The options are ${[...new Set(KEYS.values())].join(', ')}.`;
  const hint = FOREIGN.includes(name)
    ? `BuildKit has no ${name} either; for tmpfs there is size. ${list}`
    : (didYouMean(name, [...KEYS.keys()]) ?? list);
  return mountError(place, `it has no option ${quoted(name)}`, { hint });
}

/** `cannot mount "<flag>": <state>` */
export function mountError(
  { flag, field }: MountPlace,
  state: string,
  { hint }: { readonly hint: string },
): TsbuildError {
  return new TsbuildError('DOCKERFILE_SYNTAX', `cannot mount ${quoted(flag.text)}: ${state}`, {
    source: field === undefined ? flag.source : rangeOf(field, flag),
    hint,
  });
}

/** Of the field alone where the flag stands in the file letter by letter: on one line, nothing quoted or escaped. */
function rangeOf(field: CsvField, { text, source }: MountFlag): SourceRange {
  const { file, start, end } = source;
  const from = end.column - text.length;
  if (start.line !== end.line || from - start.column !== FLAG_LENGTH) return source;
  const at = (offset: number): SourceRange['start'] => ({ line: start.line, column: from + offset });
  return { file, start: at(field.from), end: at(field.to) };
}

const FLAG_LENGTH = '--mount='.length;
