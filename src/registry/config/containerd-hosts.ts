import { isAbsolute, join, resolve } from 'node:path';
import { configInvalid, isObject, listConfigFolder, readConfigFile } from './config-file.js';
import type { CertificateFiles } from './host-certificates.js';
import { parseToml, type Table } from './toml-file.js';

export type HostCapability = 'pull' | 'resolve' | 'push';

/** One server of a hosts.toml. */
export interface HostRule {
  readonly url: URL;
  readonly capabilities: readonly HostCapability[];
  /** Whether the file lists them; all are meant where it does not. */
  readonly listed: boolean;
  /** The path of the URL is all that stands before a repository's name: no `/v2` follows it. */
  readonly overridePath: boolean;
  readonly skipVerify: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly certificates: CertificateFiles;
}

/** A hosts.toml: whom to ask for the images of one registry. */
export interface HostsFile {
  readonly file: string;
  /** As references have it; `_default`: every registry without a file of its own. */
  readonly registry: string;
  /** In the order of the file. */
  readonly hosts: readonly HostRule[];
  /** In place of the registry itself. */
  readonly server: HostRule | undefined;
}

/**
 * containerd's registry hosts (github.com/containerd/containerd, docs/hosts.md): `<folder>/<registry>/hosts.toml`. Of several folders
 * the first with a file for a registry counts. `dial_timeout` is read over: waiting has one rule for all hosts here.
 * @throws `CONFIG_INVALID` naming file and place
 */
export async function loadContainerdHosts(folders: readonly string[]): Promise<readonly HostsFile[]> {
  const byRegistry = new Map<string, HostsFile>();
  for (const folder of folders) {
    for (const name of await listConfigFolder(folder)) {
      const registry = registryOfFolder(name);
      if (byRegistry.has(registry)) continue;
      const file = join(folder, name, 'hosts.toml');
      const text = await readConfigFile(file);
      if (text !== undefined) byRegistry.set(registry, hostsOf({ file, registry }, await parseToml(file, text)));
    }
  }
  return [...byRegistry.values()];
}

/** `host_5000_` where a file system takes no colon. */
function registryOfFolder(name: string): string {
  return name.replace(/_(\d+)_$/, ':$1');
}

function hostsOf(place: Pick<HostsFile, 'file' | 'registry'>, document: Table): HostsFile {
  const { file } = place;
  const tables = document['host'] ?? {};
  if (!isObject(tables)) throw configInvalid(file, 'its host is no table');
  const hosts = Object.entries(tables).map(([url, table]) => {
    if (!isObject(table)) throw configInvalid(file, `host."${url}" is no table`);
    return ruleOf(url, table, { file, at: `host."${url}"` });
  });
  const server = document['server'] ?? '';
  if (typeof server !== 'string') throw configInvalid(file, 'its server is no string');
  return { ...place, hosts, server: server === '' ? undefined : ruleOf(server, document, { file, at: 'server' }) };
}

interface Place {
  readonly file: string;
  readonly at: string;
}

function ruleOf(url: string, table: Table, place: Place): HostRule {
  return {
    url: parseUrl(url, place),
    ...capabilitiesOf(table['capabilities'], place),
    overridePath: flag(table, 'override_path', place),
    skipVerify: flag(table, 'skip_verify', place),
    headers: headersOf(table['header'], place),
    certificates: {
      authorities: strings(table['ca'], place, 'ca').map((path) => beside(place.file, path)),
      clients: clientsOf(table['client'], place),
    },
  };
}

function parseUrl(text: string, { file, at }: Place): URL {
  const full = text.includes('://') ? text : `https://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url;
  throw configInvalid(file, `${at} has "${text}", which is no http or https URL`);
}

const CAPABILITIES: readonly HostCapability[] = ['pull', 'resolve', 'push'];

function capabilitiesOf(value: unknown, place: Place): Pick<HostRule, 'capabilities' | 'listed'> {
  if (value === undefined) return { capabilities: CAPABILITIES, listed: false };
  const capabilities = strings(value, place, 'capabilities').map((word) => {
    const known = CAPABILITIES.find((capability) => capability === word);
    if (known !== undefined) return known;
    throw configInvalid(
      place.file,
      `${place.at} has the capability "${word}", which is none of pull, resolve and push`,
    );
  });
  return { capabilities, listed: true };
}

/** `["cert.pem"]`, where the key is in it, or pairs `[["cert.pem", "key.pem"]]`. */
function clientsOf(value: unknown, place: Place): CertificateFiles['clients'] {
  const list = value === undefined ? [] : Array.isArray(value) ? (value as readonly unknown[]) : [value];
  return list.map((item) => {
    const [certificate, key = certificate] = strings(item, place, 'client');
    if (certificate === undefined || key === undefined)
      throw configInvalid(place.file, `${place.at} has an empty client`);
    return { certificate: beside(place.file, certificate), key: beside(place.file, key === '' ? certificate : key) };
  });
}

function headersOf(value: unknown, place: Place): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (!isObject(value)) throw configInvalid(place.file, `${place.at} has a header that is no table`);
  return Object.fromEntries(
    Object.entries(value).map(([name, given]) => [
      name.toLowerCase(),
      strings(given, place, `header.${name}`)
        .map((text) => headerValue(text, { ...place, name }))
        .join(', '),
    ]),
  );
}

/** The value is not shown: it may be a key. */
function headerValue(text: string, { file, at, name }: Place & { readonly name: string }): string {
  if (/^[\t\x20-\x7e]*$/.test(text) && /^[\w!#$%&'*+.^`|~-]+$/.test(name)) return text;
  throw configInvalid(file, `${at} has a header "${name}" with characters that no header may have`);
}

/** A string, or an array of them. */
function strings(value: unknown, { file, at }: Place, name: string): readonly string[] {
  const list: unknown = value === undefined ? [] : typeof value === 'string' ? [value] : value;
  if (Array.isArray(list) && list.every((item) => typeof item === 'string')) return list;
  throw configInvalid(file, `${at} has a ${name} that is neither a string nor a list of strings`);
}

function flag(table: Table, name: string, { file, at }: Place): boolean {
  const value = table[name] ?? false;
  if (typeof value !== 'boolean') throw configInvalid(file, `${at} has a ${name} that is neither true nor false`);
  return value;
}

function beside(file: string, path: string): string {
  return isAbsolute(path) ? path : resolve(file, '..', path);
}
