import { TsbuildError } from '../support/errors.js';
import { DOCKER_HUB, DOCKER_HUB_HOST, repositoryName, type Repository } from '../oci/reference.js';
import type { HostRule, HostsFile } from './config/containerd-hosts.js';
import type { MirrorRule, RegistryConfiguration, RegistryRule } from './config/registry-configuration.js';
import { isInRange, isLoopback, splitHostPort } from './http/address.js';

/** One place where a repository is kept: the registry itself, or a mirror of it. */
export interface Endpoint {
  readonly kind: 'origin' | 'mirror';
  /** As users and configuration files name it, also for credentials: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** `host[:port]` to connect to. */
  readonly host: string;
  /** The repository's name there. */
  readonly repository: string;
  /** `unchecked`: HTTPS with any certificate. `either`: that, and plain HTTP where there is no TLS. */
  readonly security: 'tls' | 'plain' | 'either' | 'unchecked';
  /** What stands before a repository's name in all paths, where it is not `/v2`. */
  readonly root?: string;
  /** Sent with every request to this host, and to no other. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The registry that a mirror of several is to stand in for: `ns` of distribution-spec, "Registry Proxying". */
  readonly namespace?: string;
}

/**
 * Where to read from, in order: the mirrors that may be asked for this, then the registry itself.
 * @throws `REGISTRY_UNREACHABLE` when the configuration blocks the registry
 */
export function readEndpoints(
  configuration: RegistryConfiguration,
  repository: Repository,
  by: 'tag' | 'digest',
): readonly Endpoint[] {
  const first = firstEndpoints(configuration, repository);
  if (first.length > 0 && configuration.askedFirst?.only === true) return first;
  const rule = ruleFor(configuration.rules, repository);
  const hosts = (hostsFor(configuration, repository)?.hosts ?? [])
    .filter(({ capabilities }) => capabilities.includes(by === 'tag' ? 'resolve' : 'pull'))
    .map((host) => hostEndpoint(configuration, host, { repository, kind: 'mirror' }));
  const listed = (rule?.mirrors ?? [])
    .filter(({ use }) => use === 'all' || use === `${by}-only`)
    .map((mirror) => mirrorEndpoint(configuration, repository, { mirror, rule }));
  const mirrors = [...hosts, ...listed];
  const hubMirrors =
    repository.registry === DOCKER_HUB && mirrors.length === 0
      ? configuration.dockerHubMirrors.map((url) => daemonMirrorEndpoint(configuration, repository, url))
      : [];
  return [...first, ...mirrors, ...hubMirrors, originEndpoint(configuration, repository)];
}

/** Names keep what follows the registry's, below the path of the location if it has one. */
function firstEndpoints(
  { askedFirst, ...configuration }: RegistryConfiguration,
  repository: Repository,
): readonly Endpoint[] {
  const { mirrors = {} } = askedFirst ?? {};
  const { registry } = repository;
  const asked = Object.hasOwn(mirrors, registry) ? (mirrors[registry] ?? []) : [];
  return asked.map(({ location, insecure }) => {
    const place = relocate(repository, registry, location);
    return endpoint(configuration, { kind: 'mirror', place, insecure });
  });
}

/**
 * Where to write: the registry itself, or the first host to which a hosts.toml expressly gives the capability `push`. containerd
 * pushes also to hosts that list none; a mirror is too easily one of them.
 * @throws `REGISTRY_UNREACHABLE` when the configuration blocks the registry
 */
export function writeEndpoint(configuration: RegistryConfiguration, repository: Repository): Endpoint {
  const origin = originEndpoint(configuration, repository);
  const hosts = hostsFor(configuration, repository)?.hosts ?? [];
  const host = hosts.find(({ listed, capabilities }) => listed && capabilities.includes('push'));
  return host === undefined ? origin : hostEndpoint(configuration, host, { repository, kind: 'origin' });
}

/** The registry as a whole: what `login` asks. @throws `REGISTRY_UNREACHABLE` when the configuration blocks it */
export function endpointOf(configuration: RegistryConfiguration, registry: string): Endpoint {
  return { ...originEndpoint(configuration, { registry, repository: '' }), repository: '' };
}

function originEndpoint(configuration: RegistryConfiguration, repository: Repository): Endpoint {
  const rule = ruleFor(configuration.rules, repository);
  if (rule?.blocked === true) throw blocked(repository, rule);
  const server = hostsFor(configuration, repository)?.server;
  if (rule === undefined && server !== undefined)
    return hostEndpoint(configuration, server, { repository, kind: 'origin' });
  const place = rule === undefined ? repository : relocate(repository, rule.prefix, rule.location);
  return endpoint(configuration, { kind: 'origin', place, insecure: rule?.insecure ?? false });
}

/** The registry's own hosts.toml, else the one for all. */
function hostsFor({ hosts }: RegistryConfiguration, { registry }: Repository): HostsFile | undefined {
  return hosts.find((file) => file.registry === registry) ?? hosts.find((file) => file.registry === '_default');
}

function hostEndpoint(
  { insecureRegistries }: RegistryConfiguration,
  { url, overridePath, skipVerify, headers }: HostRule,
  { repository: { registry, repository }, kind }: { readonly repository: Repository; readonly kind: Endpoint['kind'] },
): Endpoint {
  const unchecked = skipVerify || insecureRegistries === 'all';
  const path = url.pathname.replace(/\/+$/, '');
  const root = overridePath ? path : `${path}/v2`;
  const own = url.host === DOCKER_HUB_HOST ? DOCKER_HUB : url.host;
  return {
    kind,
    registry: own,
    host: url.host,
    repository,
    security: url.protocol === 'http:' ? 'plain' : unchecked ? 'unchecked' : 'tls',
    ...(root === '/v2' ? {} : { root }),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(own === registry ? {} : { namespace: registry }),
  };
}

function ruleFor(rules: readonly RegistryRule[], repository: Repository): RegistryRule | undefined {
  const name = repositoryName(repository).replace(/\/$/, '');
  let best: RegistryRule | undefined;
  for (const rule of rules) {
    if (matches(rule.prefix, name) && rule.prefix.length > (best?.prefix.length ?? 0)) best = rule;
  }
  return best;
}

function matches(prefix: string, name: string): boolean {
  if (prefix.startsWith('*.')) return splitHostPort(hostOf(name)).host.endsWith(prefix.slice(1));
  return name === prefix || name.startsWith(`${prefix}/`);
}

/** containers-registries.conf(5), "Remapping": the part of the name that the prefix matches gives way to the location. */
function relocate(repository: Repository, prefix: string, location: string): Repository {
  if (location === '') return repository;
  const name = repositoryName(repository);
  const matched = prefix.startsWith('*.') ? hostOf(name) : prefix;
  const moved = location + name.slice(matched.length);
  const registry = hostOf(moved);
  return { registry, repository: moved.slice(registry.length + 1) };
}

function mirrorEndpoint(
  configuration: RegistryConfiguration,
  repository: Repository,
  { mirror, rule }: { readonly mirror: MirrorRule; readonly rule: RegistryRule | undefined },
): Endpoint {
  const place = relocate(repository, rule?.prefix ?? repository.registry, mirror.location);
  return endpoint(configuration, { kind: 'mirror', place, insecure: mirror.insecure });
}

/** Docker's mirrors keep the names of Docker Hub, below the path of the mirror's URL if it has one. */
function daemonMirrorEndpoint(configuration: RegistryConfiguration, repository: Repository, url: URL): Endpoint {
  const path = url.pathname.replace(/^\/+|\/+$/g, '');
  const place = {
    registry: url.host,
    repository: path === '' ? repository.repository : `${path}/${repository.repository}`,
  };
  const made = endpoint(configuration, { kind: 'mirror', place, insecure: false });
  return url.protocol === 'http:' ? { ...made, security: 'plain' } : made;
}

function endpoint(
  configuration: RegistryConfiguration,
  {
    kind,
    place,
    insecure,
  }: { readonly kind: Endpoint['kind']; readonly place: Repository; readonly insecure: boolean },
): Endpoint {
  const { registry, repository } = place;
  const host = registry === DOCKER_HUB ? DOCKER_HUB_HOST : registry;
  const either = insecure || isInsecure(configuration.insecureRegistries, host);
  return { kind, registry, host, repository, security: either ? 'either' : 'tls' };
}

function isInsecure(insecureRegistries: RegistryConfiguration['insecureRegistries'], host: string): boolean {
  if (insecureRegistries === 'all') return true;
  const { host: name } = splitHostPort(host);
  // As for Docker, what runs on this machine needs no TLS.
  return isLoopback(name) || insecureRegistries.some((entry) => entry === host || isInRange(name, entry));
}

function hostOf(name: string): string {
  const slash = name.indexOf('/');
  return slash < 0 ? name : name.slice(0, slash);
}

function blocked(repository: Repository, rule: RegistryRule): TsbuildError {
  return new TsbuildError(
    'REGISTRY_UNREACHABLE',
    `cannot use "${repositoryName(repository)}": it is blocked by configuration`,
    {
      hint: `Choose another registry, or remove "blocked = true" for "${rule.prefix}" from ${rule.file}.`,
    },
  );
}
