import { readCsvFields } from '../../parser/instructions/values/csv-fields.js';
import { isList, isMap, kindOf, toText, ValueError, type Value } from '../value.js';
import type { Entry, EntryField } from './field.js';

/** Which two entries are about the same thing; the later one counts. */
const IDENTITY: Readonly<Record<EntryField, (entry: Entry) => string>> = {
  attest: (entry) => entry.get('type') ?? '',
  secret: (entry) => entry.get('id') ?? '',
  ssh: (entry) => entry.get('id') ?? '',
  'cache-from': formatEntry,
  'cache-to': formatEntry,
  output: formatEntry,
};

/** Without what is there twice. */
export function uniqueEntries(field: EntryField, entries: readonly Entry[]): readonly Entry[] {
  return [...new Map(entries.map((entry) => [IDENTITY[field](entry), entry])).values()];
}

/** Of a list of texts and maps. @throws `ValueError` */
export function decodeEntries(field: EntryField, value: Value): readonly Entry[] {
  if (!isList(value)) throw new ValueError(`a list is wanted, not ${kindOf(value)}`);
  return value
    .filter((item) => item !== null && item !== '')
    .flatMap((item) => (isMap(item) ? [entryOfMap(field, item)] : parseEntry(field, toText(item))));
}

function entryOfMap(field: EntryField, map: ReadonlyMap<string, Value>): Entry {
  const entries = [...map]
    .filter(([, value]) => value !== null)
    .map(([key, value]): readonly [string, string] => {
      if (field === 'ssh' && key === 'paths' && isList(value)) return [key, value.map(toText).join(',')];
      return [key, toText(value)];
    });
  return checked(field, new Map(entries));
}

/** As the option of that name takes it; of a cache, a word alone is a name or several. @throws `ValueError` */
export function parseEntry(field: EntryField, text: string): readonly Entry[] {
  if (field === 'ssh') return [parseSsh(text)];
  const fields = readCsvFields(text)?.map((one) => one.text);
  if (fields === undefined) throw new ValueError(`"${text}" is no line of CSV`);
  const isCache = field === 'cache-from' || field === 'cache-to';
  if (isCache && !text.includes('=')) {
    return fields.map(
      (name) =>
        new Map(
          name === 'inline' && field === 'cache-to'
            ? [['type', name]]
            : [
                ['type', 'registry'],
                ['ref', name],
              ],
        ),
    );
  }
  if (field === 'output' && fields.length === 1 && !text.startsWith('type=')) {
    return [
      new Map([
        ['type', text === '-' ? 'tar' : 'local'],
        ['dest', text],
      ]),
    ];
  }
  return [checked(field, new Map(fields.map((one) => pairOf(field, one))))];
}

function parseSsh(text: string): Entry {
  const [id, paths] = splitOnce(text);
  return new Map([['id', id], ...(paths === undefined ? [] : [['paths', paths] as const])]);
}

function pairOf(field: EntryField, text: string): readonly [string, string] {
  const [name, value] = splitOnce(text);
  if (value === undefined) throw new ValueError(`"${text}" is not of the form key=value`);
  const key = name.trim().toLowerCase();
  return [field === 'secret' && key === 'source' ? 'src' : key, value];
}

function checked(field: EntryField, entry: Entry): Entry {
  if (field === 'secret') return secretOf(entry);
  if (field !== 'ssh' && (entry.get('type') ?? '') === '')
    throw new ValueError('an entry has no type', 'Write type=….');
  return entry;
}

/** `src` is the variable's name, where the type says that it is one. */
function secretOf(entry: Entry): Entry {
  const known = new Set(['type', 'id', 'src', 'env']);
  const unknown = [...entry.keys()].find((key) => !known.has(key));
  if (unknown !== undefined) throw new ValueError(`a secret has no "${unknown}"`, 'It has id, src, env and type.');
  const [type, source] = [entry.get('type'), entry.get('src')];
  if (type !== undefined && type !== 'file' && type !== 'env')
    throw new ValueError(`there is no type "${type}" of secrets`);
  const rest = [...entry].filter(([key]) => key !== 'type');
  if (type !== 'env' || entry.has('env') || source === undefined) return new Map(rest);
  return new Map([...rest.filter(([key]) => key !== 'src'), ['env', source]]);
}

/** As the option of that name takes it. */
export function formatEntry(entry: Entry): string {
  return [...entry].map(([key, value]) => quoted(`${key}=${value}`)).join(',');
}

export function formatSsh(entry: Entry): string {
  const paths = entry.get('paths') ?? '';
  return paths === '' ? (entry.get('id') ?? '') : `${entry.get('id') ?? ''}=${paths}`;
}

function quoted(pair: string): string {
  return /[",]/.test(pair) ? `"${pair.replaceAll('"', '""')}"` : pair;
}

function splitOnce(text: string): readonly [string, string | undefined] {
  const at = text.indexOf('=');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
