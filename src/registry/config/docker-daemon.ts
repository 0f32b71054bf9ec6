import { join } from 'node:path';
import { configInvalid, isObject, parseJsonFile, readConfigFile } from './config-file.js';

export interface DaemonSettings {
  readonly mirrors: readonly URL[];
  readonly insecureRegistries: readonly string[];
}

export interface DaemonFileOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly systemRoot: string;
}

/**
 * What Docker's daemon is told about registries, so that a machine set up for Docker needs nothing more: the system's
 * /etc/docker/daemon.json and the rootless one in ~/.config/docker, the latter's mirrors first.
 * @throws `CONFIG_INVALID`
 */
export async function loadDaemonSettings(options: DaemonFileOptions): Promise<DaemonSettings> {
  const settings = await Promise.all(daemonFiles(options).map(readSettings));
  return {
    mirrors: settings.flatMap(({ mirrors }) => mirrors),
    insecureRegistries: [...new Set(settings.flatMap(({ insecureRegistries }) => insecureRegistries))],
  };
}

/** Where they may be. */
export function daemonFiles({ env, home, systemRoot }: DaemonFileOptions): readonly string[] {
  const configHome = env['XDG_CONFIG_HOME'] ?? '';
  const user = join(configHome === '' ? join(home, '.config') : configHome, 'docker/daemon.json');
  return [user, join(systemRoot, 'etc/docker/daemon.json')];
}

async function readSettings(file: string): Promise<DaemonSettings> {
  const text = await readConfigFile(file);
  if (text === undefined || text.trim() === '') return { mirrors: [], insecureRegistries: [] };
  const document = parseJsonFile(file, text);
  if (!isObject(document)) throw configInvalid(file, 'it is no object');
  return {
    mirrors: strings(file, document, 'registry-mirrors').map((mirror) => mirrorUrl(file, mirror)),
    insecureRegistries: strings(file, document, 'insecure-registries').map(withoutScheme),
  };
}

function strings(file: string, document: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const value = document[name] ?? [];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw configInvalid(file, `${name} is no array of strings`);
}

function mirrorUrl(file: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw configInvalid(file, `the mirror "${text}" is no http or https URL`);
}

function withoutScheme(registry: string): string {
  return registry.replace(/^https?:\/\//, '').replace(/\/+$/, '');
}
