import { parseGoBoolean } from '../../parser/go-boolean.js';
import { suggest } from '../../support/suggest.js';
import { TsbuildError } from '../../support/errors.js';
import { ValueError } from '../value.js';
import { globMatches } from './glob.js';
import { parseEntry, type Entry } from './entry.js';
import { FIELD_NAMES, specOf, type EntryField, type FieldName, type Fields, type FieldValue } from './field.js';

/** `--set PATTERN.KEY[.NAME][+]=VALUE`. */
export interface Override {
  /** As it was written. */
  readonly word: string;
  readonly pattern: string;
  /** The field, or `push` or `load`. */
  readonly key: string;
  readonly name: string | undefined;
  readonly adds: boolean;
  readonly value: string | undefined;
}

/** What `--set` calls some of the fields. */
const SPELLINGS: ReadonlyMap<string, FieldName> = new Map([
  ['platform', 'platforms'],
  ['secrets', 'secret'],
]);

/** @throws `USAGE` */
export function parseOverride(word: string): Override {
  const equals = word.indexOf('=');
  const left = equals < 0 ? word : word.slice(0, equals);
  const adds = left.endsWith('+');
  const [pattern = '', key, ...rest] = (adds ? left.slice(0, -1) : left).split('.');
  const value = equals < 0 ? undefined : word.slice(equals + 1);
  if (key === undefined) throw refused(word, 'it names no key of a target', 'Write TARGET.KEY=VALUE.');
  const name = rest.length === 0 ? undefined : rest.join('.');
  if (value === undefined && key !== 'args') throw refused(word, 'it has no value', 'Write TARGET.KEY=VALUE.');
  return { word, pattern, key, name, adds, value };
}

function refused(word: string, state: string, hint?: string): TsbuildError {
  return new TsbuildError('USAGE', `cannot use --set "${word}": ${state}`, { hint });
}

/** Which targets each override is about. @throws `USAGE` when it is about none */
export function overridesByTarget(
  overrides: readonly Override[],
  names: readonly string[],
): ReadonlyMap<string, readonly Override[]> {
  const found = new Map<string, Override[]>();
  for (const override of overrides) {
    const { pattern, word } = override;
    const matching = names.includes(pattern) ? [pattern] : names.filter((name) => globMatches(pattern, name));
    if (matching.length === 0) {
      const near = suggest(pattern, names);
      throw refused(word, `there is no target "${pattern}"`, near === undefined ? undefined : `Did you mean ${near}?`);
    }
    for (const name of matching) found.set(name, [...(found.get(name) ?? []), override]);
  }
  return found;
}

export interface OverrideOptions {
  readonly env: (name: string) => string | undefined;
}

/** Of one key, all values count; the last one says whether they are added to what the files say. @throws `USAGE` */
export function applyOverrides(fields: Fields, overrides: readonly Override[], options: OverrideOptions): Fields {
  const result = new Map(fields);
  const keys = new Map<string, Override[]>();
  for (const override of overrides) {
    const key = `${override.key}.${override.name ?? ''}`;
    keys.set(key, [...(keys.get(key) ?? []), override]);
  }
  for (const all of keys.values()) applyKey(result, all, options);
  return result;
}

function applyKey(result: Map<FieldName, FieldValue>, overrides: readonly Override[], { env }: OverrideOptions): void {
  const last = overrides.at(-1);
  if (last === undefined) return;
  if (last.key === 'push' || last.key === 'load') {
    result.set('output', { kind: 'entries', entries: exported(result.get('output'), last) });
    return;
  }
  const name = fieldOf(last);
  const known = result.get(name);
  const values = overrides.flatMap((override) => valueOf(override, name, { env, known }) ?? []);
  const [first, ...others] = isPlural(name) ? values : values.slice(-1);
  if (first === undefined) return;
  const value = others.reduce(joined, first);
  result.set(name, last.adds || ADDING.has(name) ? joined(known, value) : value);
}

/** What `--set` never replaces. */
const ADDING: ReadonlySet<FieldName> = new Set(['annotations', 'attest', 'entitlements']);

function isPlural(name: FieldName): boolean {
  const { kind } = specOf(name);
  return kind === 'list' || kind === 'entries';
}

function joined(base: FieldValue | undefined, over: FieldValue): FieldValue {
  if (base?.kind === 'list' && over.kind === 'list') return { kind: 'list', list: [...base.list, ...over.list] };
  if (base?.kind !== 'entries' || over.kind !== 'entries') return over;
  return { kind: 'entries', entries: [...base.entries, ...over.entries] };
}

function fieldOf({ word, key, name }: Override): FieldName {
  const spelled = SPELLINGS.get(key) ?? FIELD_NAMES.find((one) => one === key);
  if (spelled === 'inherits' || spelled === 'description') throw refused(word, `"${key}" cannot be set here`);
  if (spelled === undefined || (key === 'secret' && name === undefined)) {
    const near = suggest(key, [...FIELD_NAMES, ...SPELLINGS.keys(), 'push', 'load']);
    if (spelled !== undefined)
      throw refused(word, 'it names no secret', 'Write TARGET.secrets=id=NAME,src=FILE for all of them.');
    throw refused(word, `a target has no "${key}"`, near === undefined ? undefined : `Did you mean ${near}?`);
  }
  return spelled;
}

function valueOf(
  override: Override,
  field: FieldName,
  { env, known }: OverrideOptions & { readonly known: FieldValue | undefined },
): FieldValue | undefined {
  const { key, name, value = name === undefined ? undefined : env(name) } = override;
  if (value === undefined) return undefined;
  switch (specOf(field).kind) {
    case 'text':
      return { kind: 'text', text: value };
    case 'truth':
      return { kind: 'truth', truth: truthOf(override, value) };
    case 'list':
      return { kind: 'list', list: [value] };
    case 'map':
      if (name === undefined)
        throw refused(override.word, `which of the ${key} is not said`, `Write TARGET.${key}.NAME=VALUE.`);
      return { kind: 'map', map: new Map([...(known?.kind === 'map' ? known.map : []), [name, value]]) };
    case 'entries':
      return { kind: 'entries', entries: entriesOf(override, field as EntryField, { value, known }) };
  }
}

function truthOf({ word }: Override, value: string): boolean {
  const truth = parseGoBoolean(value);
  if (truth === undefined) throw refused(word, `"${value}" is neither true nor false`);
  return truth;
}

function entriesOf(
  { word, key, name }: Override,
  field: EntryField,
  { value, known }: { readonly value: string; readonly known: FieldValue | undefined },
): readonly Entry[] {
  const parsed = parsedEntries(word, field, value);
  if (key !== 'secret' || name === undefined) return parsed;
  const declared = known?.kind === 'entries' ? known.entries : [];
  if (!declared.some((entry) => entry.get('id') === name)) throw refused(word, `the target has no secret "${name}"`);
  return declared.map((entry) => (entry.get('id') === name ? new Map([...(parsed[0] ?? []), ['id', name]]) : entry));
}

function parsedEntries(word: string, field: EntryField, value: string): readonly Entry[] {
  try {
    return value === '' ? [] : parseEntry(field, value);
  } catch (error) {
    if (error instanceof ValueError) throw refused(word, error.message, error.hint);
    throw error;
  }
}

/** `--push` and `--load`: another output, unless those that there are speak against it. */
function exported(outputs: FieldValue | undefined, override: Override): readonly Entry[] {
  const entries = outputs?.kind === 'entries' ? outputs.entries : [];
  const wanted = truthOf(override, override.value ?? '');
  return override.key === 'push' ? pushed(entries, wanted) : loaded(entries, wanted);
}

function pushed(entries: readonly Entry[], wanted: boolean): readonly Entry[] {
  const set = entries
    .filter((entry) => wanted || entry.get('type') !== 'registry')
    .map((entry) => (entry.get('type') === 'image' ? new Map([...entry, ['push', String(wanted)]]) : entry));
  if (!wanted || entries.some((entry) => entry.get('type') !== 'docker')) return set;
  return [
    ...set,
    new Map([
      ['type', 'image'],
      ['push', 'true'],
    ]),
  ];
}

const IMAGES: ReadonlySet<string | undefined> = new Set(['image', 'registry', 'oci']);

function loaded(entries: readonly Entry[], wanted: boolean): readonly Entry[] {
  const isLoaded = entries.some((entry) => entry.get('type') === 'docker' && (entry.get('dest') ?? '') === '');
  const isOther = entries.some((entry) => !IMAGES.has(entry.get('type')) && entry.get('type') !== 'docker');
  if (!wanted || isLoaded || isOther) return entries;
  return [...entries, new Map([['type', 'docker']])];
}
