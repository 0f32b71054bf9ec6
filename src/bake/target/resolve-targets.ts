import { suggest } from '../../support/suggest.js';
import { TsbuildError } from '../../support/errors.js';
import type { Definition } from '../definition/read-definition.js';
import { listOf, mapOf, type FieldName, type Fields, type FieldValue, type Group, type Target } from './field.js';
import { globMatches, isGlob } from './glob.js';
import { mergeFields, normalizeFields } from './merge-fields.js';
import { applyOverrides, overridesByTarget, type Override, type OverrideOptions } from './override.js';

/** What is to be built, with nothing left to inherit. */
export interface ResolvedTargets {
  /** In the order in which they are asked for, those that others use last. */
  readonly targets: ReadonlyMap<string, Target>;
  readonly groups: ReadonlyMap<string, Group>;
  /** Built only because others use them. */
  readonly linked: ReadonlySet<string>;
}

export interface ResolveOptions extends OverrideOptions {
  readonly overrides: readonly Override[];
}

/** @param wanted names of targets and groups, or patterns @throws `USAGE`, `CONFIG_INVALID` */
export function resolveTargets(
  definition: Definition,
  wanted: readonly string[],
  options: ResolveOptions,
): ResolvedTargets {
  return new Resolution(definition, options).resolve(wanted);
}

const DEFAULT = 'default';

class Resolution {
  readonly #definition: Definition;
  readonly #options: ResolveOptions;
  readonly #overrides: ReadonlyMap<string, readonly Override[]>;
  readonly #byName: ReadonlyMap<string, Target>;
  readonly #groups: ReadonlyMap<string, Group>;
  readonly #resolved = new Map<string, Fields>();

  constructor(definition: Definition, options: ResolveOptions) {
    this.#definition = definition;
    this.#options = options;
    this.#byName = new Map(definition.targets.map((target) => [target.name, target]));
    // The first of one name counts: a matrix may be called as a group is.
    this.#groups = new Map(definition.groups.toReversed().map((group) => [group.name, group]));
    this.#overrides = overridesByTarget(options.overrides, [...this.#byName.keys()]);
  }

  resolve(given: readonly string[]): ResolvedTargets {
    const wanted = [...new Set(given.flatMap((name) => this.#namesOf(name)))];
    const [targets, groups] = [new Map<string, Target>(), new Map<string, Group>()];
    for (const name of wanted) {
      const expanded = this.#expand(name, []);
      for (const target of expanded.targets) targets.set(target, this.#target(target));
      for (const group of expanded.groups) groups.set(group.name, group);
    }
    addDefault(groups, wanted);
    const linked = new Set<string>();
    for (const target of [...targets.values()]) this.#link(target, { targets, linked, path: [] });
    return { targets, groups, linked };
  }

  #namesOf(pattern: string): readonly string[] {
    // As in a compose file's names of services.
    const name = pattern.replaceAll('.', '_');
    if (!isGlob(pattern)) return [name];
    const all = [...this.#definition.groups, ...this.#definition.targets].map((one) => one.name);
    const found = all.filter((one) => globMatches(pattern, one));
    if (found.length > 0) return found;
    throw new TsbuildError('USAGE', `cannot build "${pattern}": no target is called like that`);
  }

  #expand(
    name: string,
    path: readonly string[],
  ): { readonly targets: readonly string[]; readonly groups: readonly Group[] } {
    const group = this.#groups.get(name);
    // A group may have a target of its own name.
    if (group === undefined || path.includes(name)) {
      if (path.includes(name) && !this.#byName.has(name)) throw circle('group', [...path, name]);
      return { targets: [name], groups: [] };
    }
    const inner = group.targets.map((one) => this.#expand(one, [...path, name]));
    return {
      targets: inner.flatMap(({ targets }) => targets),
      groups: [group, ...inner.flatMap(({ groups }) => groups)],
    };
  }

  #target(name: string): Target {
    const fields = new Map(this.#inherit(name, []));
    fields.delete('inherits');
    setUsual(fields, 'context', '.');
    setUsual(fields, 'dockerfile', 'Dockerfile');
    return { name, fields };
  }

  #inherit(name: string, path: readonly string[]): Fields {
    const known = this.#resolved.get(name);
    if (known !== undefined) return known;
    const target = this.#byName.get(name);
    if (target === undefined) throw this.#unknown(name, path.at(-1));
    if (path.includes(name)) throw circle('target', [...path, name]);
    const inherited = listOf(target, 'inherits').reduce<Fields>(
      (fields, parent) => mergeFields(fields, this.#inherit(parent, [...path, name])),
      new Map(),
    );
    const merged = mergeFields(inherited, target.fields);
    const fields = normalizeFields(applyOverrides(merged, this.#overrides.get(name) ?? [], this.#options));
    this.#resolved.set(name, fields);
    return fields;
  }

  #unknown(name: string, from: string | undefined): TsbuildError {
    const near = suggest(name, [...this.#byName.keys(), ...this.#groups.keys()]);
    const why = from === undefined ? '' : `, which "${from}" names`;
    const known = [...this.#groups.keys(), ...this.#byName.keys()].slice(0, 20).join(', ');
    const hint = near === undefined ? `There are ${known === '' ? 'none' : known}.` : `Did you mean ${near}?`;
    return new TsbuildError('USAGE', `cannot build target "${name}"${why}: there is no such target`, { hint });
  }

  /** Targets whose results others take as build contexts come along. */
  #link(
    target: Target,
    linking: { readonly targets: Map<string, Target>; readonly linked: Set<string>; readonly path: readonly string[] },
  ): void {
    const { targets, linked } = linking;
    const path = [...linking.path, target.name];
    for (const other of linksOf(target)) {
      if (path.includes(other)) throw circle('target', [...path, other]);
      let found = targets.get(other);
      if (found === undefined) {
        const { fields } = this.#target(other);
        found = { name: other, fields: new Map([...fields, ['output', CACHE_ONLY]]) };
        targets.set(other, found);
        linked.add(other);
      }
      this.#link(found, { targets, linked, path });
      addEntitlements(targets, target.name, listOf(found, 'entitlements'));
    }
  }
}

const CACHE_ONLY: FieldValue = { kind: 'entries', entries: [new Map([['type', 'cacheonly']])] };

/** Names of the targets that a target uses as build contexts. */
export function linksOf(target: Target): readonly string[] {
  return [...mapOf(target, 'contexts').values()].flatMap((value) =>
    value.startsWith('target:') ? [value.slice('target:'.length)] : [],
  );
}

function addEntitlements(targets: Map<string, Target>, name: string, more: readonly string[]): void {
  const target = targets.get(name);
  if (target === undefined || more.length === 0) return;
  const list = [...new Set([...listOf(target, 'entitlements'), ...more])];
  targets.set(name, { name, fields: new Map([...target.fields, ['entitlements', { kind: 'list', list }]]) });
}

function setUsual(fields: Map<FieldName, FieldValue>, name: 'context' | 'dockerfile', text: string): void {
  const given = fields.get(name);
  if (given === undefined || (name === 'dockerfile' && given.kind === 'text' && given.text === '')) {
    fields.set(name, { kind: 'text', text });
  }
}

/** What was asked for is the default group of what is printed. */
function addDefault(groups: Map<string, Group>, wanted: readonly string[]): void {
  const known = groups.get(DEFAULT);
  const more = wanted.filter((name) => !(name === DEFAULT && known !== undefined));
  if (known === undefined && more.length === 0) return;
  const targets = [...new Set([...(known?.targets ?? []), ...more])].sort();
  groups.set(DEFAULT, { name: DEFAULT, description: known?.description, targets });
}

function circle(kind: string, path: readonly string[]): TsbuildError {
  const [last = ''] = path.slice(-1);
  const round = path.slice(path.indexOf(last));
  return new TsbuildError('CONFIG_INVALID', `cannot build ${kind} "${last}": it depends on itself`, {
    hint: `The circle is ${round.join(' → ')}.`,
  });
}
