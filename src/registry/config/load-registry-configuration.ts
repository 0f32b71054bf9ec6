import { certificateSources } from '../http/certificate-authorities.js';
import { proxySettings } from '../http/http-proxy.js';
import { loadDaemonSettings } from './docker-daemon.js';
import { dockerCredentials } from './docker-credentials.js';
import { loadRegistriesConf } from './registries-conf.js';
import type { RegistryConfiguration } from './registry-configuration.js';

/**
 * Reads what podman and Docker read: registries.conf, daemon.json, proxy variables, certificate authorities. Credentials are
 * looked up only once a registry asks for them.
 * @throws `CONFIG_INVALID` naming the file and, where it is known, the line
 */
export async function loadRegistryConfiguration(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path of the user's home. */
  readonly home: string;
  /** What stands for `/` in the paths of system files. */
  readonly systemRoot?: string;
}): Promise<RegistryConfiguration> {
  const { env, home, systemRoot = '/' } = options;
  const [rules, daemon] = await Promise.all([
    loadRegistriesConf({ env, home, systemRoot }),
    loadDaemonSettings({ env, home, systemRoot }),
  ]);
  return {
    rules,
    dockerHubMirrors: daemon.mirrors,
    insecureRegistries: daemon.insecureRegistries,
    proxies: proxySettings(env),
    certificates: certificateSources(env, systemRoot),
    credentials: dockerCredentials(env, home),
  };
}
