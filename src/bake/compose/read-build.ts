import { suggest } from '../../support/suggest.js';
import type { JsonNode } from '../json/parse-json.js';
import { parseEntry, uniqueEntries, type Entry } from '../target/entry.js';
import type { EntryField, FieldName, Fields, FieldValue } from '../target/field.js';
import { ValueError } from '../value.js';
import { memberOf, membersOf, pairsAt, textAt, textsAt, truthAt, wrong } from './compose-node.js';
import type { Variables } from './interpolate.js';

interface BuildContext {
  readonly image: string | undefined;
  readonly secrets: ReadonlyMap<string, JsonNode>;
  /** For arguments without a value. */
  readonly variables: Variables;
}

const KNOWN: readonly string[] = [
  ...['context', 'dockerfile', 'dockerfile_inline', 'args', 'target', 'cache_from', 'cache_to', 'labels', 'network'],
  ...['platforms', 'secrets', 'ssh', 'shm_size', 'tags', 'extra_hosts', 'additional_contexts', 'no_cache', 'pull'],
  ...['ulimits', 'provenance', 'sbom', 'entitlements', 'x-bake'],
];

const X_BAKE: readonly string[] = [
  ...['tags', 'cache-from', 'cache-to', 'secret', 'ssh', 'platforms', 'output', 'pull', 'no-cache', 'no-cache-filter'],
  'contexts',
];

/** A `build` section (compose-spec/build.md) as fields of a target. @throws `CONFIG_INVALID` */
export function readBuild(build: JsonNode, context: BuildContext): Fields {
  const fields = new Map<FieldName, FieldValue>();
  if (build.kind === 'string') {
    setText(fields, 'context', build.text);
    setList(fields, 'tags', context.image === undefined ? [] : [context.image]);
    return fields;
  }
  checkNames(build, KNOWN, '"build"');
  const at = (name: string): JsonNode | undefined => memberOf(build, name);
  for (const name of ['context', 'dockerfile', 'target', 'network'] as const)
    setText(fields, name, textAt(at(name), `"${name}"`));
  setText(fields, 'dockerfile-inline', textAt(at('dockerfile_inline'), '"dockerfile_inline"'));
  setText(fields, 'shm-size', shmSize(at('shm_size')));
  setMap(fields, 'contexts', pairsAt(at('additional_contexts'), '"additional_contexts"').map(asContext));
  setMap(fields, 'args', argumentsOf(at('args'), context.variables));
  setMap(
    fields,
    'labels',
    pairsAt(at('labels'), '"labels"').map(([name, value]) => [name, value ?? '']),
  );
  setMap(
    fields,
    'extra-hosts',
    pairsAt(at('extra_hosts'), '"extra_hosts"', /[=:]/).map(([name, ip]) => [name, ip ?? '']),
  );
  setList(fields, 'platforms', textsAt(at('platforms'), '"platforms"'));
  setList(
    fields,
    'ulimits',
    membersOf(at('ulimits'), '"ulimits"').map(({ name, value }) => `${name}=${limitOf(value)}`),
  );
  setList(fields, 'entitlements', textsAt(at('entitlements'), '"entitlements"'));
  setEntries(fields, 'cache-from', entriesAt('cache-from', at('cache_from')));
  setEntries(fields, 'cache-to', entriesAt('cache-to', at('cache_to')));
  setEntries(fields, 'secret', secretsOf(at('secrets'), context.secrets));
  setEntries(fields, 'ssh', sshOf(at('ssh')));
  setEntries(
    fields,
    'attest',
    (['sbom', 'provenance'] as const).flatMap((type) => attestation(type, at(type))),
  );
  for (const [field, name] of [
    ['no-cache', 'no_cache'],
    ['pull', 'pull'],
  ] as const) {
    if (truthAt(at(name), `"${name}"`) === true) fields.set(field, { kind: 'truth', truth: true });
  }
  const tags = textsAt(at('tags'), '"tags"');
  setList(fields, 'tags', tags.length === 0 && context.image !== undefined ? [context.image] : tags);
  extend(fields, at('x-bake'));
  return fields;
}

function checkNames(node: JsonNode, known: readonly string[], what: string): void {
  for (const { name, span } of membersOf(node, what)) {
    if (known.includes(name) || (name.startsWith('x-') && what === '"build"')) continue;
    const near = suggest(name, known);
    throw wrong(
      span,
      `"${name}" of ${what} is not supported`,
      near === undefined ? undefined : `Did you mean ${near}?`,
    );
  }
}

type Pairs = readonly (readonly [string, string])[];
type Writable = Map<FieldName, FieldValue>;

function setText(fields: Writable, name: FieldName, text: string | undefined): void {
  if (text !== undefined && text !== '') fields.set(name, { kind: 'text', text });
}

function setList(fields: Writable, name: FieldName, list: readonly string[]): void {
  if (list.length > 0) fields.set(name, { kind: 'list', list });
}

function setMap(fields: Writable, name: FieldName, pairs: Pairs): void {
  if (pairs.length > 0) fields.set(name, { kind: 'map', map: new Map(pairs) });
}

function setEntries(fields: Writable, name: EntryField, entries: readonly Entry[]): void {
  if (entries.length > 0) fields.set(name, { kind: 'entries', entries: uniqueEntries(name, entries) });
}

/** Another service is a target here. */
function asContext([name, place]: readonly [string, string | null]): readonly [string, string] {
  const other = /^(?:service|target):(.*)$/s.exec(place ?? '')?.[1];
  return [name, other === undefined ? (place ?? '') : `target:${other.replaceAll('.', '_')}`];
}

/** A name alone has its value of outside; one that is not there is not set. */
function argumentsOf(node: JsonNode | undefined, variables: Variables): Pairs {
  return pairsAt(node, '"args"').flatMap(([name, value]) => {
    const given = value ?? variables(name);
    return given === undefined ? [] : [[name, given] as const];
  });
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Docker's units.BytesSize of what its units.RAMInBytes reads. */
function shmSize(node: JsonNode | undefined): string | undefined {
  const text = textAt(node, '"shm_size"');
  if (node === undefined || text === undefined) return undefined;
  const [match, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgt])?i?b?$/i.exec(text) ?? [];
  if (match === undefined)
    throw wrong(node.span, `"shm_size" is "${text}", and no number of bytes`, 'Write it as 64m.');
  let size = Math.floor(Number(number) * 1024 ** ('kmgt'.indexOf(unit.toLowerCase() || '-') + 1));
  let place = 0;
  while (size >= 1024 && place < UNITS.length - 1) {
    size /= 1024;
    place += 1;
  }
  return `${String(Number(size.toPrecision(4)))}${UNITS[place] ?? 'B'}`;
}

function limitOf(node: JsonNode): string {
  const [soft, hard] = [textAt(memberOf(node, 'soft'), '"soft"'), textAt(memberOf(node, 'hard'), '"hard"')];
  if (node.kind !== 'object') {
    const both = textAt(node, 'a limit') ?? '';
    return `${both}:${both}`;
  }
  if (soft === undefined || hard === undefined) throw wrong(node.span, 'a limit has "soft" and "hard"');
  return `${soft}:${hard}`;
}

function entriesAt(field: EntryField, node: JsonNode | undefined): readonly Entry[] {
  if (node === undefined) return [];
  return textsAt(node, `"${field}"`).flatMap((text) => entryAt(field, text, node));
}

function entryAt(field: EntryField, text: string, { span }: JsonNode): readonly Entry[] {
  try {
    return parseEntry(field, text);
  } catch (error) {
    if (error instanceof ValueError) throw wrong(span, error.message, error.hint);
    throw error;
  }
}

function secretsOf(node: JsonNode | undefined, declared: BuildContext['secrets']): readonly Entry[] {
  if (node?.kind !== 'array') return [];
  return node.items.map((item) => {
    const id = textAt(memberOf(item, 'source') ?? (item.kind === 'object' ? undefined : item), 'a secret') ?? '';
    const secret = declared.get(id);
    if (secret === undefined) throw wrong(item.span, `there is no secret "${id}" at the top of the file`);
    if (truthAt(memberOf(secret, 'external'), '"external"') === true)
      throw wrong(secret.span, `secret "${id}" is not in this file`);
    const [file, variable] = [
      textAt(memberOf(secret, 'file'), '"file"'),
      textAt(memberOf(secret, 'environment'), '"environment"'),
    ];
    return new Map([
      ['id', id],
      ...(file === undefined ? [] : [['src', file] as const]),
      ...(variable === undefined ? [] : [['env', variable] as const]),
    ]);
  });
}

function sshOf(node: JsonNode | undefined): readonly Entry[] {
  return pairsAt(node, '"ssh"')
    .map(([id, path]) => new Map([['id', id], ...(path === null || path === '' ? [] : [['paths', path] as const])]))
    .sort((left, right) => ((left.get('id') ?? '') < (right.get('id') ?? '') ? -1 : 1));
}

function attestation(type: 'sbom' | 'provenance', node: JsonNode | undefined): readonly Entry[] {
  const text = textAt(node, `"${type}"`);
  if (node === undefined || text === undefined || text === '') return [];
  if (text === 'true' || text === 'false')
    return [new Map([['type', type], ...(text === 'true' ? [] : [['disabled', 'true'] as const])])];
  return entryAt('attest', `type=${type},${text}`, node);
}

/** Fields that compose has not (buildx, "x-bake"). */
function extend(fields: Writable, node: JsonNode | undefined): void {
  if (node === undefined) return;
  checkNames(node, X_BAKE, '"x-bake"');
  const words = (name: string): readonly string[] => {
    const found = memberOf(node, name);
    return found?.kind === 'string'
      ? found.text.split(/\s+/).filter((word) => word !== '')
      : textsAt(found, `"${name}"`);
  };
  for (const name of ['tags', 'platforms', 'no-cache-filter'] as const) {
    const known = fields.get(name);
    setList(fields, name, [...new Set([...(known?.kind === 'list' ? known.list : []), ...words(name)])]);
  }
  for (const name of ['cache-from', 'cache-to', 'secret', 'ssh', 'output'] as const) {
    const known = fields.get(name);
    const more = words(name).flatMap((word) => entryAt(name, word, node));
    setEntries(fields, name, [...(known?.kind === 'entries' ? known.entries : []), ...more]);
  }
  for (const name of ['pull', 'no-cache'] as const) {
    const truth = truthAt(memberOf(node, name), `"${name}"`);
    if (truth !== undefined) fields.set(name, { kind: 'truth', truth });
  }
  const contexts = fields.get('contexts');
  const more = pairsAt(memberOf(node, 'contexts'), '"contexts"').map(asContext);
  setMap(fields, 'contexts', [...more, ...(contexts?.kind === 'map' ? contexts.map : [])]);
}
