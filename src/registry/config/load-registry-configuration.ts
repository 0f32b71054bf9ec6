import { certificateSources, type HostCertificates } from '../http/certificate-authorities.js';
import { proxySettings } from '../http/http-proxy.js';
import { loadDaemonSettings } from './docker-daemon.js';
import { registryCredentials } from './registry-credentials.js';
import { loadContainerdHosts, type HostsFile } from './containerd-hosts.js';
import { certificateFiles, readCertificates, type CertificateFiles } from './host-certificates.js';
import { loadRegistriesConf } from './registries-conf.js';
import { join } from 'node:path';
import { DOCKER_HUB, DOCKER_HUB_HOST } from '../../oci/reference.js';
import type { RegistryConfiguration } from './registry-configuration.js';

export interface ConfigurationOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path of the user's home. */
  readonly home: string;
  /** What stands for `/` in the paths of system files. */
  readonly systemRoot?: string;
}

/**
 * Reads what podman, Docker and containerd read: registries.conf, daemon.json, hosts.toml, proxy variables, certificate authorities.
 * Credentials are looked up only once a registry asks for them, a host's certificates when it is first connected to.
 * @throws `CONFIG_INVALID` naming the file and, where it is known, the line
 */
export async function loadRegistryConfiguration(options: ConfigurationOptions): Promise<RegistryConfiguration> {
  const { env, home, systemRoot = '/' } = options;
  const folders = certificateFolders(options);
  const [rules, daemon, hosts] = await Promise.all([
    loadRegistriesConf({ env, home, systemRoot }),
    loadDaemonSettings({ env, home, systemRoot }),
    loadContainerdHosts(folders.containerd),
  ]);
  return {
    rules,
    hosts,
    dockerHubMirrors: daemon.mirrors,
    insecureRegistries: daemon.insecureRegistries,
    proxies: proxySettings(env),
    certificates: {
      ...certificateSources(env, systemRoot),
      forHost: (host) => certificatesForHost(host, { hosts, folders: folders.certificates }),
    },
    credentials: registryCredentials(env, home),
  };
}

/** Those of the user before those of the system. */
export function certificateFolders({ env, home, systemRoot = '/' }: ConfigurationOptions): {
  readonly certificates: readonly string[];
  readonly containerd: readonly string[];
} {
  const given = env['XDG_CONFIG_HOME'] ?? '';
  const user = given === '' ? join(home, '.config') : given;
  const system = join(systemRoot, 'etc');
  return {
    certificates: [
      join(user, 'containers/certs.d'),
      join(user, 'docker/certs.d'),
      join(system, 'containers/certs.d'),
      join(system, 'docker/certs.d'),
    ],
    containerd: [
      join(user, 'containerd/certs.d'),
      join(system, 'containerd/certs.d'),
      join(user, 'docker/certs.d'),
      join(system, 'docker/certs.d'),
    ],
  };
}

/** What a host's folder has, and what hosts.toml files say of the host. */
async function certificatesForHost(
  host: string,
  { hosts, folders }: { readonly hosts: readonly HostsFile[]; readonly folders: readonly string[] },
): Promise<HostCertificates | undefined> {
  const rules = hosts.flatMap((one) => [...one.hosts, ...(one.server === undefined ? [] : [one.server])]);
  const named = rules.filter(({ url }) => url.host === host).map(({ certificates }) => certificates);
  const found = await Promise.all(namesOf(host).map(async (name) => certificateFiles(name, folders)));
  const all = [...found, ...named].filter((files): files is CertificateFiles => files !== undefined);
  const files = {
    authorities: all.flatMap(({ authorities }) => authorities),
    clients: all.flatMap(({ clients }) => clients),
  };
  return files.authorities.length + files.clients.length === 0 ? undefined : await readCertificates(files);
}

/** Docker Hub's registry goes by the name that references have; the port of HTTPS may stand in a folder's name or not. */
function namesOf(host: string): readonly string[] {
  if (host === DOCKER_HUB_HOST) return [DOCKER_HUB, host];
  return host.includes(':') ? [host] : [host, `${host}:443`];
}
