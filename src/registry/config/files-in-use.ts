import { existsSync } from 'node:fs';
import { certificateFolders, type ConfigurationOptions } from './load-registry-configuration.js';
import { daemonFiles } from './docker-daemon.js';
import { registriesConfFiles } from './registries-conf.js';
import { credentialFiles } from './registry-credentials.js';

/**
 * The files and folders that are there of all that say something about registries; what is in them is not looked at.
 * @throws `CONFIG_INVALID` when one cannot be read
 */
export async function registryFilesInUse(options: ConfigurationOptions): Promise<readonly string[]> {
  const { env, home, systemRoot = '/' } = options;
  const { certificates, containerd } = certificateFolders(options);
  const candidates = [
    ...(await registriesConfFiles({ env, home, systemRoot })),
    ...daemonFiles({ env, home, systemRoot }),
    ...containerd,
    ...certificates,
    ...credentialFiles(env, home),
  ];
  return [...new Set(candidates)].filter((path) => existsSync(path));
}
