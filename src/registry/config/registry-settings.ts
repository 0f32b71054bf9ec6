import { DOCKER_HUB, DOCKER_HUB_HOST } from '../../oci/reference.js';
import type { CredentialStore } from '../auth/credentials.js';
import type { CertificateSources, HostCertificates } from '../http/certificate-authorities.js';
import type { RetryPolicy } from '../../support/retry.js';
import { certificateFilesIn, readCertificates, type CertificateFiles } from './host-certificates.js';
import type { MirrorRule, RegistryConfiguration } from './registry-configuration.js';

/**
 * What a caller says of registries for one piece of work; it counts before all that files say. Registries go by the names that
 * references have: `docker.io`, `localhost:5000`. Plain data: it crosses process boundaries.
 */
export interface RegistrySettings {
  readonly credentials?: Readonly<Record<string, { readonly username: string; readonly password: string }>> | undefined;
  /** Registries, hosts and address ranges that need no TLS, and no certificate that anybody vouches for; or all of them. */
  readonly insecure?: 'all' | readonly string[] | undefined;
  /** Absolute path of a folder with `*.crt`, and pairs of `*.cert` and `*.key`, in the place of those kept for a registry. */
  readonly certificateFolder?: string | undefined;
  /** By registry: absolute paths of files of authorities, and of certificates to show. */
  readonly certificates?: Readonly<Record<string, CertificateFiles>> | undefined;
  /** By registry: what is asked before it, in this order. `location`: `host[:port][/path]`. */
  readonly mirrors?: Readonly<Record<string, readonly Omit<MirrorRule, 'use'>[]>> | undefined;
  /** Whether a registry with such mirrors is never asked itself. */
  readonly mirrorsOnly?: boolean | undefined;
  /** How often more a request is sent that failed. */
  readonly retries?: { readonly pull?: number | undefined; readonly push?: number | undefined } | undefined;
  /** Milliseconds between two attempts, always the same; absent: a growing time, of which a random part. */
  readonly retryDelayMs?: number | undefined;
}

/** What the machine says of registries, with what the caller says put before it. */
export function withSettings(
  configuration: RegistryConfiguration,
  settings: RegistrySettings | undefined,
): RegistryConfiguration {
  if (settings === undefined) return configuration;
  const { insecure = [], mirrors } = settings;
  return {
    ...configuration,
    insecureRegistries: insecure === 'all' ? 'all' : addTo(configuration.insecureRegistries, insecure),
    ...(mirrors === undefined ? {} : { askedFirst: { mirrors, only: settings.mirrorsOnly ?? false } }),
    credentials: withCredentials(configuration.credentials, settings),
    certificates: withCertificates(configuration.certificates, settings),
  };
}

function addTo(
  known: RegistryConfiguration['insecureRegistries'],
  more: readonly string[],
): RegistryConfiguration['insecureRegistries'] {
  return known === 'all' ? known : [...known, ...more];
}

function withCredentials(kept: CredentialStore, { credentials = {} }: RegistrySettings): CredentialStore {
  return {
    place: kept.place,
    find: async (registry, repository) => {
      const given = Object.hasOwn(credentials, registry) ? credentials[registry] : undefined;
      return given === undefined ? await kept.find(registry, repository) : { kind: 'password', ...given };
    },
  };
}

function withCertificates(
  kept: CertificateSources,
  { certificateFolder: folder, certificates = {} }: RegistrySettings,
): CertificateSources {
  if (folder === undefined && Object.keys(certificates).length === 0) return kept;
  return {
    ...kept,
    forHost: async (host) => {
      const name = host === DOCKER_HUB_HOST ? DOCKER_HUB : host;
      const ofHost = Object.hasOwn(certificates, name) ? certificates[name] : undefined;
      const usual =
        folder === undefined ? await kept.forHost(host) : await readCertificates(await certificateFilesIn(folder));
      return ofHost === undefined ? usual : joined(usual, await readCertificates(ofHost));
    },
  };
}

function joined(one: HostCertificates | undefined, other: HostCertificates): HostCertificates {
  const { authorities = [], clients = [] } = one ?? {};
  return { authorities: [...authorities, ...other.authorities], clients: [...clients, ...other.clients] };
}

/** How often, and how soon after another, a client tries. */
export function retryPolicy(settings: RegistrySettings | undefined, purpose: 'pull' | 'push'): Partial<RetryPolicy> {
  const { retries, retryDelayMs } = settings ?? {};
  const more = retries?.[purpose];
  return {
    ...(more === undefined ? {} : { attempts: more + 1 }),
    ...(retryDelayMs === undefined ? {} : { baseMs: retryDelayMs, capMs: retryDelayMs, random: () => 1 }),
  };
}
