import { resolve } from 'node:path';
import { DOCKER_HUB, parseReference } from '../../oci/reference.js';
import { parseDuration } from '../../parser/instructions/values/duration.js';
import type { RegistrySettings } from '../../registry/config/registry-settings.js';
import { TsbuildError } from '../../support/errors.js';
import type { ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';

/**
 * What a command line says of registries.
 * @param names of images that the command line is about: credentials that name no registry are for theirs, and for no other,
 * since a Dockerfile may name any
 * @throws `USAGE`, `REFERENCE_INVALID`
 */
export function readRegistrySettings(
  parsed: ParsedArguments,
  { cwd }: Pick<Host, 'cwd'>,
  names: readonly string[],
): RegistrySettings | undefined {
  const folder = parsed.value('cert-dir');
  const settings: RegistrySettings = {
    credentials: credentials(parsed.list('creds'), names),
    insecure: insecure(parsed),
    certificateFolder: folder === undefined ? undefined : resolve(cwd, folder),
    certificates: certificates(parsed, cwd),
    mirrors: mirrors(parsed),
    mirrorsOnly: parsed.flag('skip-default-registry-fallback') ? true : undefined,
    retries: retries(parsed),
    retryDelayMs: delay(parsed.value('retry-delay')),
  };
  if (settings.mirrorsOnly === true && settings.mirrors === undefined) {
    throw refused('skip-default-registry-fallback', undefined, [
      'there is no other registry to ask',
      'Give --registry-mirror or --registry-map, too.',
    ]);
  }
  return Object.values(settings).every((one) => one === undefined) ? undefined : settings;
}

function refused(option: string, word: string | undefined, [state, hint]: readonly [string, string]): TsbuildError {
  const given = word === undefined ? '' : ` "${word}"`;
  return new TsbuildError('USAGE', `cannot use --${option}${given}: ${state}`, { hint });
}

/** A host as in names of images: with a dot or a port, or `localhost`. */
const HOST = String.raw`(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?`;
const CREDENTIALS = new RegExp(`^(?:(${HOST})=)?([^:]+):(.*)$`, 's');

function credentials(words: readonly string[], names: readonly string[]): RegistrySettings['credentials'] {
  if (words.length === 0) return undefined;
  const known = new Map<string, { readonly username: string; readonly password: string }>();
  for (const word of words) {
    const [, registry, username, password] = CREDENTIALS.exec(word) ?? [];
    // The word itself may hold the password, and is not repeated.
    if (username === undefined || password === undefined) {
      const hint = 'Or keep them with "tsbuild login", where no list of processes shows them.';
      throw refused('creds', undefined, ['it is not of the form USER:PASSWORD', hint]);
    }
    const registries = registry === undefined ? names.map((name) => parseReference(name).registry) : [registry];
    if (registries.length === 0) {
      const hint = 'Write REGISTRY=USER:PASSWORD, with docker.io for Docker Hub.';
      throw refused('creds', undefined, ['the command line names no image whose registry they could be for', hint]);
    }
    for (const one of registries) known.set(one, { username, password });
  }
  return Object.fromEntries(known);
}

function insecure(parsed: ParsedArguments): RegistrySettings['insecure'] {
  if (!parsed.flag('tls-verify', true)) return 'all';
  const registries = ['insecure-registry', 'skip-tls-verify-registry'].flatMap((option) =>
    parsed.list(option).map((word) => {
      if (/^[^\s/]+(?:\/\d{1,3})?$/.test(word)) return word;
      const hint = 'Write it as registry.example:5000, or as 192.0.2.0/24.';
      throw refused(option, word, ['it is neither a host nor a range of addresses', hint]);
    }),
  );
  return registries.length === 0 ? undefined : registries;
}

type Certificates = NonNullable<RegistrySettings['certificates']>[string];

function certificates(parsed: ParsedArguments, cwd: string): RegistrySettings['certificates'] {
  const known = new Map<string, Certificates>();
  const add = (registry: string, more: Partial<Certificates>): void => {
    const { authorities, clients } = known.get(registry) ?? { authorities: [], clients: [] };
    known.set(registry, {
      authorities: [...authorities, ...(more.authorities ?? [])],
      clients: [...clients, ...(more.clients ?? [])],
    });
  };
  for (const word of parsed.list('registry-certificate')) {
    const { registry, rest } = ofRegistry('registry-certificate', word, 'REGISTRY=FILE');
    add(registry, { authorities: [resolve(cwd, rest)] });
  }
  for (const word of parsed.list('registry-client-cert')) {
    const { registry, rest } = ofRegistry('registry-client-cert', word, 'REGISTRY=FILE,KEY');
    const [certificate = '', key = '', ...more] = rest.split(',');
    if (certificate === '' || key === '' || more.length > 0) {
      throw refused('registry-client-cert', word, ['it names no certificate and key', 'Write REGISTRY=FILE,KEY.']);
    }
    add(registry, { clients: [{ certificate: resolve(cwd, certificate), key: resolve(cwd, key) }] });
  }
  return known.size === 0 ? undefined : Object.fromEntries(known);
}

function ofRegistry(option: string, word: string, form: string): { readonly registry: string; readonly rest: string } {
  const equals = word.indexOf('=');
  const [registry, rest] = [word.slice(0, Math.max(equals, 0)), word.slice(equals + 1)];
  if (registry !== '' && rest !== '') return { registry: registryName(registry), rest };
  throw refused(option, word, [`it is not of the form ${form}`, `Write ${form}.`]);
}

/** Docker Hub has an older name, too. */
function registryName(word: string): string {
  return word === 'index.docker.io' ? DOCKER_HUB : word;
}

type Mirrors = NonNullable<RegistrySettings['mirrors']>[string];

function mirrors(parsed: ParsedArguments): RegistrySettings['mirrors'] {
  const known = new Map<string, Mirrors>();
  const add = (registry: string, mirror: Mirrors[number]): void => {
    known.set(registry, [...(known.get(registry) ?? []), mirror]);
  };
  for (const word of parsed.list('registry-mirror')) add(DOCKER_HUB, mirrorOf('registry-mirror', word));
  // kaniko takes several in one word.
  for (const word of parsed.list('registry-map').flatMap((words) => words.split(';'))) {
    const { registry, rest } = ofRegistry('registry-map', word, 'REGISTRY=HOST[/PATH]');
    add(registry, mirrorOf('registry-map', rest));
  }
  return known.size === 0 ? undefined : Object.fromEntries(known);
}

const MIRROR = new RegExp(String.raw`^(?:(https?)://)?(${HOST}(?:/[\w.-]+)*)/?$`);

function mirrorOf(option: string, word: string): Mirrors[number] {
  const [, scheme, location] = MIRROR.exec(word) ?? [];
  if (location !== undefined) return { location, insecure: scheme === 'http' };
  throw refused(option, word, [
    'it is no place of a registry',
    'Write it as mirror.example, or mirror.example:5000/hub.',
  ]);
}

function retries(parsed: ParsedArguments): RegistrySettings['retries'] {
  const all = count('retry', parsed.value('retry'));
  const pull = count('image-download-retry', parsed.value('image-download-retry')) ?? all;
  const push = count('push-retry', parsed.value('push-retry')) ?? all;
  return pull === undefined && push === undefined ? undefined : { pull, push };
}

function count(option: string, word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  if (/^\d{1,3}$/.test(word)) return Number(word);
  throw refused(option, word, ['it is no number from 0 to 999', 'Give how often more a request is to be sent.']);
}

/** As buildah has it, of seconds where there is no unit. */
function delay(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  const nanoseconds = parseDuration(/^\d+$/.test(word) ? `${word}s` : word);
  const ms = nanoseconds === undefined ? -1 : Math.round(nanoseconds / 1e6);
  if (ms >= 0 && ms <= 3_600_000) return ms;
  throw refused('retry-delay', word, ['it is no time of up to an hour', 'Write it as 500ms, 2s or 1m30s.']);
}
