import { join } from 'node:path';
import { configInvalid, isObject, listConfigFolder, readConfigFile } from './config-file.js';
import type { MirrorRule, RegistryRule } from './registry-configuration.js';
import { parseToml, type Table } from './toml-file.js';

interface Place {
  readonly file: string;
  /** `registry[2].mirror[1]`, counted from 1 as a reader does. */
  readonly at: string;
}

/**
 * containers-registries.conf(5), version 2: CONTAINERS_REGISTRIES_CONF, else the user's file, else the system's; then the
 * drop-ins of the system and of the user, whose entries replace those of the same prefix.
 * @throws `CONFIG_INVALID` naming file and line
 */
export async function loadRegistriesConf(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly systemRoot: string;
}): Promise<readonly RegistryRule[]> {
  const byPrefix = new Map<string, RegistryRule>();
  for (const { file, text } of await readFiles(options)) {
    for (const rule of rulesOf(file, await parseToml(file, text))) byPrefix.set(rule.prefix, rule);
  }
  return [...byPrefix.values()];
}

/** The files that count, in the order in which they are read. @throws `CONFIG_INVALID` */
export async function registriesConfFiles(
  options: Parameters<typeof loadRegistriesConf>[0],
): Promise<readonly string[]> {
  return (await readFiles(options)).map(({ file }) => file);
}

interface TextFile {
  readonly file: string;
  readonly text: string;
}

async function readFiles({
  env,
  home,
  systemRoot,
}: Parameters<typeof loadRegistriesConf>[0]): Promise<readonly TextFile[]> {
  const named = env['CONTAINERS_REGISTRIES_CONF'] ?? '';
  if (named !== '') {
    const text = await readConfigFile(named);
    if (text !== undefined) return [{ file: named, text }];
    throw configInvalid(named, 'it does not exist', {
      hint: 'Set CONTAINERS_REGISTRIES_CONF to a file that exists, or unset it.',
    });
  }
  const configHome = env['XDG_CONFIG_HOME'] ?? '';
  const user = join(configHome === '' ? join(home, '.config') : configHome, 'containers');
  const system = join(systemRoot, 'etc/containers');
  const main =
    (await readAll([join(user, 'registries.conf')]))[0] ?? (await readAll([join(system, 'registries.conf')]))[0];
  const dropIns = [...(await dropInsOf(system)), ...(await dropInsOf(user))];
  return [...(main === undefined ? [] : [main]), ...(await readAll(dropIns))];
}

async function dropInsOf(folder: string): Promise<readonly string[]> {
  const dropIns = join(folder, 'registries.conf.d');
  const names = await listConfigFolder(dropIns);
  return names.filter((name) => name.endsWith('.conf')).map((name) => join(dropIns, name));
}

async function readAll(files: readonly string[]): Promise<readonly TextFile[]> {
  const found: TextFile[] = [];
  for (const file of files) {
    const text = await readConfigFile(file);
    if (text !== undefined) found.push({ file, text });
  }
  return found;
}

function rulesOf(file: string, document: Table): readonly RegistryRule[] {
  const place = { file, at: '' };
  if (document['registries'] !== undefined) return versionOneRules(document['registries'], place);
  return tables(document, 'registry', place).map(([table, at]) => ruleOf(table, at));
}

/** Version 1 has lists of hosts: [registries.insecure] and [registries.block]; the search list is for short names, not for us. */
function versionOneRules(value: unknown, place: Place): readonly RegistryRule[] {
  const insecure = hostList(value, 'insecure', place);
  const blocked = hostList(value, 'block', place);
  return [...new Set([...insecure, ...blocked])].map((host) => ({
    prefix: host,
    location: host,
    insecure: insecure.includes(host),
    blocked: blocked.includes(host),
    mirrors: [],
    file: place.file,
  }));
}

function hostList(value: unknown, name: string, place: Place): readonly string[] {
  const list = isObject(value) ? (value[name] ?? {}) : undefined;
  const hosts = isObject(list) ? (list['registries'] ?? []) : undefined;
  if (Array.isArray(hosts) && hosts.every((host) => typeof host === 'string')) return hosts;
  throw problem(place, `has a registries.${name} without a list of registries`);
}

function ruleOf(table: Table, place: Place): RegistryRule {
  const location = text(table, 'location', place);
  const prefix = text(table, 'prefix', place) || location;
  const wildcard = prefix.startsWith('*.');
  if (prefix === '') throw problem(place, 'has neither a prefix nor a location');
  if (location === '' && !wildcard) throw problem(place, 'has no location');
  if (wildcard && prefix.includes('/'))
    throw problem(place, `has the prefix "${prefix}", and a wildcard takes no path`);
  const digestOnly = flag(table, 'mirror-by-digest-only', place);
  return {
    prefix,
    location,
    insecure: flag(table, 'insecure', place),
    blocked: flag(table, 'blocked', place),
    mirrors: tables(table, 'mirror', place).map(([mirror, at]) => mirrorOf(mirror, at, digestOnly)),
    file: place.file,
  };
}

function mirrorOf(table: Table, place: Place, digestOnly: boolean): MirrorRule {
  const location = text(table, 'location', place);
  if (location === '') throw problem(place, 'has no location');
  const use = text(table, 'pull-from-mirror', place) || (digestOnly ? 'digest-only' : 'all');
  if (use !== 'all' && use !== 'digest-only' && use !== 'tag-only') {
    throw problem(place, `has pull-from-mirror = "${use}", which is none of all, digest-only and tag-only`);
  }
  return { location, insecure: flag(table, 'insecure', place), use };
}

function tables(table: Table, name: string, place: Place): readonly (readonly [Table, Place])[] {
  const value = table[name] ?? [];
  if (!Array.isArray(value)) throw problem(place, `has a ${name} that is not written [[…]]`);
  return value.map((item: unknown, index) => {
    const at = { file: place.file, at: `${place.at === '' ? '' : `${place.at}.`}${name}[${index + 1}]` };
    if (!isObject(item)) throw problem(at, 'is no table');
    return [item, at] as const;
  });
}

function text(table: Table, name: string, place: Place): string {
  const value = table[name] ?? '';
  if (typeof value !== 'string') throw problem(place, `has a ${name} that is no string`);
  return value.replace(/\/+$/, '');
}

function flag(table: Table, name: string, place: Place): boolean {
  const value = table[name] ?? false;
  if (typeof value !== 'boolean') throw problem(place, `has a ${name} that is neither true nor false`);
  return value;
}

function problem({ file, at }: Place, state: string): Error {
  return configInvalid(file, at === '' ? `it ${state}` : `${at} ${state}`);
}
