import { join } from 'node:path';
import { DOCKER_HUB } from '../../oci/reference.js';
import { askCredentialHelper } from '../auth/credential-helper.js';
import { DOCKER_HUB_KEY, type Credential, type CredentialStore } from '../auth/credentials.js';
import { configInvalid, isObject, parseJsonFile, readConfigFile } from './config-file.js';

const INHERITED = 'DOCKER_AUTH_CONFIG';

type Environment = Readonly<Record<string, string | undefined>>;

/** The entries of one `auths`. */
interface Auths {
  readonly file: string;
  readonly entries: ReadonlyMap<string, unknown>;
}

interface DockerConfig {
  readonly inherited: Auths;
  readonly written: Auths;
  readonly helpers: ReadonlyMap<string, string>;
  readonly store: string | undefined;
}

/**
 * The credentials that `docker login` keeps: $DOCKER_CONFIG/config.json, else ~/.docker/config.json. As in docker/cli, the
 * variable DOCKER_AUTH_CONFIG comes first, then the registry's own helper, then the helper for all, then the file itself.
 */
export function dockerCredentials(env: Environment, home: string): CredentialStore {
  const folder = env['DOCKER_CONFIG'] ?? '';
  const file = join(folder === '' ? join(home, '.docker') : folder, 'config.json');
  let loaded: Promise<DockerConfig> | undefined;
  const found = new Map<string, Promise<Credential | null>>();
  return {
    place: file,
    async find(registry) {
      loaded ??= loadDockerConfig(file, env);
      const config = await loaded;
      const credential = found.get(registry) ?? findIn(config, registry, env);
      found.set(registry, credential);
      return await credential;
    },
  };
}

async function loadDockerConfig(file: string, env: Environment): Promise<DockerConfig> {
  const config = decodeFile(file, await readConfigFile(file));
  const store = config['credsStore'] ?? '';
  if (typeof store !== 'string') throw configInvalid(file, 'credsStore is no string');
  return {
    inherited: authsOf(INHERITED, decodeFile(INHERITED, env[INHERITED])),
    written: authsOf(file, config),
    helpers: helpersOf(file, objectIn(file, config['credHelpers'] ?? {}, 'credHelpers')),
    store: store === '' ? undefined : store,
  };
}

function decodeFile(file: string, text = ''): Readonly<Record<string, unknown>> {
  return text.trim() === '' ? {} : objectIn(file, parseJsonFile(file, text), 'it');
}

function authsOf(file: string, config: Readonly<Record<string, unknown>>): Auths {
  return { file, entries: new Map(Object.entries(objectIn(file, config['auths'] ?? {}, 'auths'))) };
}

function helpersOf(file: string, helpers: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [registry, name] of Object.entries(helpers)) {
    if (typeof name !== 'string') throw configInvalid(file, `credHelpers.${registry} is no string`);
    names.set(registry, name);
  }
  return names;
}

async function findIn(config: DockerConfig, registry: string, env: Environment): Promise<Credential | null> {
  const key = registry === DOCKER_HUB ? DOCKER_HUB_KEY : registry;
  const helper = config.helpers.get(registry) ?? config.helpers.get(key) ?? config.store;
  return (
    findEntry(config.inherited, registry) ??
    (helper === undefined ? null : await askCredentialHelper(helper, key, env)) ??
    findEntry(config.written, registry)
  );
}

function findEntry({ file, entries }: Auths, registry: string): Credential | null {
  const wanted = hostOfKey(registry);
  const key = entries.has(registry) ? registry : [...entries.keys()].find((name) => hostOfKey(name) === wanted);
  return key === undefined ? null : decodeEntry(file, key, entries.get(key));
}

/** Keys may be host names or, from older Dockers, URLs such as `https://host/v1/`. */
function hostOfKey(key: string): string {
  const host = key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return host === DOCKER_HUB || host === 'registry-1.docker.io' ? 'index.docker.io' : host;
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
