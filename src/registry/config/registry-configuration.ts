import type { CredentialStore } from '../auth/credentials.js';
import type { CertificateSources } from '../http/certificate-authorities.js';
import type { HostsFile } from './containerd-hosts.js';
import type { ProxySettings } from '../http/http-proxy.js';

/** All that the machine and its user say about registries, read from files and variables. */
export interface RegistryConfiguration {
  /** From registries.conf; the longest prefix that fits a repository counts. */
  readonly rules: readonly RegistryRule[];
  /** From hosts.toml files. */
  readonly hosts: readonly HostsFile[];
  /** Base URLs of Docker's mirrors of docker.io, in order. */
  readonly dockerHubMirrors: readonly URL[];
  /** Hosts and address ranges that may be reached without TLS or with a certificate that nobody vouches for. */
  readonly insecureRegistries: 'all' | readonly string[];
  /** Mirrors by registry that come before all others, and whether such a registry is asked itself at all. */
  readonly askedFirst?: {
    readonly mirrors: Readonly<Record<string, readonly Omit<MirrorRule, 'use'>[]>>;
    readonly only: boolean;
  };
  readonly proxies: ProxySettings;
  readonly certificates: CertificateSources;
  readonly credentials: CredentialStore;
}

/** A `[[registry]]` of containers-registries.conf(5). */
export interface RegistryRule {
  /** `host[:port][/namespace…]`, or `*.domain` for all hosts below it. */
  readonly prefix: string;
  /** What the prefix is replaced by; the prefix itself unless given. */
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly MirrorRule[];
  /** For messages. */
  readonly file: string;
}

export interface MirrorRule {
  readonly location: string;
  readonly insecure: boolean;
  readonly use: 'all' | 'digest-only' | 'tag-only';
}
