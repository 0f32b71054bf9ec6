import { posix } from 'node:path';
import { FIELD_NAMES, type FieldName, type FieldValue, type Group, type Target } from './field.js';
import type { ResolvedTargets } from './resolve-targets.js';
import type { Entry } from './entry.js';

/** As `docker buildx bake --print` gives it: a definition in JSON that is read back to the same. */
export function printTargets({ targets, groups }: Pick<ResolvedTargets, 'targets' | 'groups'>): string {
  const definition = {
    ...(groups.size === 0 ? {} : { group: sorted(groups, groupJson) }),
    target: sorted(targets, targetJson),
  };
  // Go's encoder escapes what HTML could take for its own.
  return `${JSON.stringify(definition, null, 2).replaceAll(
    /[<>&\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )}\n`;
}

function sorted<T, R>(map: ReadonlyMap<string, T>, json: (value: T) => R): Readonly<Record<string, R>> {
  return Object.fromEntries(
    [...map.keys()].sort().flatMap((key) => {
      const value = map.get(key);
      return value === undefined ? [] : [[key, json(value)]];
    }),
  );
}

function groupJson({ description, targets }: Group): object {
  return { ...(description === undefined ? {} : { description }), targets };
}

function targetJson({ fields }: Target): object {
  return Object.fromEntries(
    FIELD_NAMES.flatMap((name) => {
      const value = fields.get(name);
      const json = value === undefined ? undefined : fieldJson(name, value);
      return json === undefined ? [] : [[name, json]];
    }),
  );
}

/** What the JSON is read by takes `${` for a template. */
const TEMPLATES: ReadonlySet<FieldName> = new Set([
  'annotations',
  'dockerfile-inline',
  'labels',
  'args',
  'extra-hosts',
]);

function fieldJson(name: FieldName, value: FieldValue): unknown {
  const escaped = (text: string): string =>
    TEMPLATES.has(name) ? text.replaceAll(/[$%]\{/g, (mark) => `${mark.charAt(0)}${mark}`) : text;
  switch (value.kind) {
    case 'text':
      if (name === 'context') return cleanContext(value.text);
      return name === 'description' && value.text === '' ? undefined : escaped(value.text);
    case 'truth':
      return value.truth;
    case 'list':
      return value.list.length === 0 ? undefined : value.list.map(escaped);
    case 'map':
      return value.map.size === 0 ? undefined : sorted(value.map, escaped);
    case 'entries':
      return value.entries.length === 0 ? undefined : value.entries.map((entry) => entryJson(name, entry));
  }
}

export function cleanContext(context: string): string {
  const local = context.startsWith('cwd://') ? context.slice('cwd://'.length) : context;
  if (/^[a-z][a-z0-9+.-]*:\/\//.test(local) || /^[\w.-]+@[\w.-]+:/.test(local)) return local;
  const clean = posix.normalize(local);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}

function entryJson(name: FieldName, entry: Entry): object {
  if (name === 'ssh') {
    const paths = entry.get('paths') ?? '';
    return { id: entry.get('id') ?? '', ...(paths === '' ? {} : { paths: paths.split(',') }) };
  }
  const json = name === 'secret' ? inOrder(entry, ['id', 'src', 'env']) : sorted(entry, (value) => value);
  return name === 'attest' && entry.has('disabled') ? { ...json, disabled: entry.get('disabled') === 'true' } : json;
}

function inOrder(entry: Entry, keys: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = entry.get(key) ?? '';
      return value === '' ? [] : [[key, value]];
    }),
  );
}
