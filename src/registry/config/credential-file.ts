import { DOCKER_HUB } from '../../oci/reference.js';
import { askCredentialHelper } from '../auth/credential-helper.js';
import { DOCKER_HUB_KEY, type Credential } from '../auth/credentials.js';
import { configInvalid, isObject, parseJsonFile, readConfigFile } from './config-file.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Whose credentials are wanted. */
export interface Wanted {
  readonly registry: string;
  readonly repository: string;
}

/** A file that `docker login` or `podman login` writes: credentials, and programs that keep them elsewhere. */
export interface CredentialFile {
  readonly file: string;
  readonly auths: ReadonlyMap<string, unknown>;
  /** Programs by registry. */
  readonly helpers: ReadonlyMap<string, string>;
  /** The program for all other registries. */
  readonly store: string | undefined;
}

/** A missing file is an empty one. @throws `CONFIG_INVALID` */
export async function readCredentialFile(file: string): Promise<CredentialFile> {
  return decodeCredentialFile(file, await readConfigFile(file));
}

/** @param file for messages @throws `CONFIG_INVALID` */
export function decodeCredentialFile(file: string, text = ''): CredentialFile {
  const document = text.trim() === '' ? {} : objectIn(file, parseJsonFile(file, text), 'it');
  const store = document['credsStore'] ?? '';
  if (typeof store !== 'string') throw configInvalid(file, 'credsStore is no string');
  return {
    file,
    auths: new Map(Object.entries(objectIn(file, document['auths'] ?? {}, 'auths'))),
    helpers: helpersOf(file, objectIn(file, document['credHelpers'] ?? {}, 'credHelpers')),
    store: store === '' ? undefined : store,
  };
}

function helpersOf(file: string, helpers: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [registry, name] of Object.entries(helpers)) {
    if (typeof name !== 'string') throw configInvalid(file, `credHelpers.${registry} is no string`);
    names.set(registry, name);
  }
  return names;
}

/** What helpers and files call a registry: Docker Hub has kept its first name. */
export function credentialKey(registry: string): string {
  return registry === DOCKER_HUB ? DOCKER_HUB_KEY : registry;
}

/** The program that keeps a registry's credentials, or `undefined`. */
export function helperFor({ helpers, store }: CredentialFile, registry: string): string | undefined {
  return helpers.get(registry) ?? helpers.get(credentialKey(registry)) ?? store;
}

/** As in docker/cli: the registry's own helper, else the helper for all, then the file itself. @throws `CONFIG_INVALID` */
export async function findInFile(file: CredentialFile, wanted: Wanted, env: Environment): Promise<Credential | null> {
  const helper = helperFor(file, wanted.registry);
  const kept = helper === undefined ? null : await askCredentialHelper(helper, credentialKey(wanted.registry), env);
  return kept ?? findEntry(file, wanted);
}

/** The entry with the longest path counts: containers-auth.json(5) has them for namespaces and repositories, too. */
export function findEntry({ file, auths }: CredentialFile, wanted: Wanted): Credential | null {
  const keys = [...auths.keys()].filter((key) => fits(key, wanted)).sort((a, b) => pathOf(b).length - pathOf(a).length);
  for (const key of keys) {
    const credential = decodeEntry(file, key, auths.get(key));
    if (credential !== null) return credential;
  }
  return null;
}

/** The entries that `logout` takes away: all spellings of the registry, none of a namespace below it. */
export function keysOfRegistry({ auths }: CredentialFile, registry: string): readonly string[] {
  return [...auths.keys()].filter((key) => pathOf(key) === '' && hostOf(key) === hostOf(registry));
}

function fits(key: string, { registry, repository }: Wanted): boolean {
  const path = pathOf(key);
  return hostOf(key) === hostOf(registry) && (path === '' || `${repository}/`.startsWith(`${path}/`));
}

/** Keys may be host names or, from older Dockers, URLs such as `https://host/v1/`. */
function hostOf(key: string): string {
  const host = key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return host === DOCKER_HUB || host === 'registry-1.docker.io' ? 'index.docker.io' : host;
}

/** The namespace or repository of a key; the path of an old URL is none. */
function pathOf(key: string): string {
  if (/^https?:\/\//.test(key)) return '';
  const slash = key.indexOf('/');
  const path = slash === -1 ? '' : key.slice(slash + 1).replace(/\/+$/, '');
  return path === 'v1' || path === 'v2' ? '' : path;
}

function decodeEntry(file: string, key: string, value: unknown): Credential | null {
  const entry = objectIn(file, value, `auths["${key}"]`);
  const { identitytoken: token, auth, username, password } = entry;
  if (typeof token === 'string' && token !== '') return { kind: 'refresh-token', token };
  if (typeof auth === 'string' && auth !== '') return decodeAuth(file, key, auth);
  if (typeof username === 'string' && typeof password === 'string' && username !== '') {
    return { kind: 'password', username, password };
  }
  return null;
}

/** base64 of `user:password`; the password may hold colons, and some writers pad it with NUL. */
function decodeAuth(file: string, key: string, auth: string): Credential {
  const decoded = Buffer.from(auth, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon <= 0) throw configInvalid(file, `auths["${key}"].auth is not base64 of user:password`);
  return {
    kind: 'password',
    username: decoded.slice(0, colon),
    password: decoded.slice(colon + 1).replace(/\0+$/, ''),
  };
}

function objectIn(file: string, value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (!isObject(value)) throw configInvalid(file, `${what} is no object`);
  return value;
}
