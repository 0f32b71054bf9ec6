import { join } from 'node:path';
import { configInvalid, isObject, parseJsonFile, readConfigFile } from '../registry/config/config-file.js';
import { isTsbuildError, systemErrorCode } from '../support/errors.js';
import type { Host } from './host.js';

/** Each variable, and what Docker's configuration calls it. */
const VARIABLES = {
  HTTP_PROXY: 'httpProxy',
  HTTPS_PROXY: 'httpsProxy',
  FTP_PROXY: 'ftpProxy',
  NO_PROXY: 'noProxy',
  ALL_PROXY: 'allProxy',
} as const;

type Proxies = Readonly<Record<string, string>>;

/**
 * The proxy variables that RUN steps are given, in capitals and without, since programs differ in which one they read: those of the
 * environment, and for what it does not have those of Docker's configuration (docs.docker.com/engine/cli/proxy).
 * @throws `CONFIG_INVALID`
 */
export async function readProxyVariables({ env, home }: Pick<Host, 'env' | 'home'>): Promise<Proxies> {
  const configured = await configuredProxies(env, home);
  const given = Object.entries(VARIABLES).flatMap(([name, key]) => {
    const [large, small] = [nonEmpty(env[name]), nonEmpty(env[name.toLowerCase()])];
    const either = large ?? small ?? configured[key];
    if (either === undefined) return [];
    // Whoever sets both to different values has a reason.
    return [[name, large ?? either] as const, [name.toLowerCase(), small ?? either] as const];
  });
  return Object.fromEntries(given);
}

const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

/** Docker's are by the address of its daemon, which only tells several sets of proxies apart here. */
async function configuredProxies(env: Host['env'], home: string): Promise<Proxies> {
  const folder = nonEmpty(env['DOCKER_CONFIG']) ?? join(home, '.docker');
  const file = join(folder, 'config.json');
  const text = await readIfAllowed(file);
  // Nearly every such file has credentials only.
  if (!text.includes('"proxies"')) return {};
  const document = parseJsonFile(file, text);
  const sets = isObject(document) ? (document['proxies'] ?? {}) : {};
  if (!isObject(sets)) throw configInvalid(file, 'proxies is no object');
  const address = nonEmpty(env['DOCKER_HOST']) ?? 'unix:///var/run/docker.sock';
  const name = address in sets ? address : 'default';
  return proxiesIn(file, name, sets[name] ?? {});
}

/** A home that is somebody else's, as with `su` without `-`, has nothing to say. */
async function readIfAllowed(file: string): Promise<string> {
  try {
    return (await readConfigFile(file)) ?? '';
  } catch (error) {
    if (isTsbuildError(error, 'CONFIG_INVALID') && systemErrorCode(error.cause) === 'EACCES') return '';
    throw error;
  }
}

function proxiesIn(file: string, name: string, set: unknown): Proxies {
  if (!isObject(set)) throw configInvalid(file, `proxies["${name}"] is no object`);
  const found = Object.values(VARIABLES).flatMap((key) => {
    const value = set[key] ?? '';
    if (typeof value !== 'string') throw configInvalid(file, `proxies["${name}"].${key} is no string`);
    return value === '' ? [] : [[key, value] as const];
  });
  return Object.fromEntries(found);
}
