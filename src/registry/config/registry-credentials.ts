import { join } from 'node:path';
import type { Credential, CredentialStore } from '../auth/credentials.js';
import { decodeCredentialFile, findEntry, findInFile, readCredentialFile, type Wanted } from './credential-file.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Docker's variable with the text of a whole file, of which only `auths` count. */
const INHERITED = 'DOCKER_AUTH_CONFIG';

/**
 * All credentials that a person has for Docker and for podman, in this order: the variable DOCKER_AUTH_CONFIG; the file that
 * REGISTRY_AUTH_FILE names; Docker's ($DOCKER_CONFIG/config.json, else ~/.docker/config.json); podman's (auth.json in
 * $XDG_RUNTIME_DIR/containers, then in $XDG_CONFIG_HOME/containers). Files are read when a registry first asks for credentials.
 */
export function registryCredentials(env: Environment, home: string): CredentialStore {
  const files = credentialFiles(env, home);
  const readers = files.map((file) => once(() => readCredentialFile(file)));
  const found = new Map<string, Promise<Credential | null>>();
  const find = async (wanted: Wanted): Promise<Credential | null> => {
    const inherited = findEntry(decodeCredentialFile(INHERITED, env[INHERITED]), wanted);
    if (inherited !== null) return inherited;
    for (const read of readers) {
      const credential = await findInFile(await read(), wanted, env);
      if (credential !== null) return credential;
    }
    return null;
  };
  return {
    place: credentialPlace(env, home),
    async find(registry, repository = '') {
      const key = `${registry}/${repository}`;
      const credential = found.get(key) ?? find({ registry, repository });
      found.set(key, credential);
      return await credential;
    },
  };
}

/** The file that `login` writes: the one that a person has named, else Docker's. */
export function credentialPlace(env: Environment, home: string): string {
  const named = env['REGISTRY_AUTH_FILE'] ?? '';
  return named === '' ? dockerFile(env, home) : named;
}

/** Where credentials may be, the first that has some counts. */
export function credentialFiles(env: Environment, home: string): readonly string[] {
  const runtime = env['XDG_RUNTIME_DIR'] ?? '';
  const configHome = env['XDG_CONFIG_HOME'] ?? '';
  return [
    env['REGISTRY_AUTH_FILE'] ?? '',
    dockerFile(env, home),
    runtime === '' ? '' : join(runtime, 'containers/auth.json'),
    join(configHome === '' ? join(home, '.config') : configHome, 'containers/auth.json'),
  ].filter((file) => file !== '');
}

function dockerFile(env: Environment, home: string): string {
  const folder = env['DOCKER_CONFIG'] ?? '';
  return join(folder === '' ? join(home, '.docker') : folder, 'config.json');
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
