import type { ProgressSink } from './builder/progress.js';
import type { RegistryClient } from './registry/registry-client.js';
import { invariant } from './support/invariant.js';
import { VERSION } from './version.js';

/** A registry client by the caller's configuration: registries.conf, Docker's files, proxies, certificates. */
export async function openRegistryClient(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: ProgressSink;
}): Promise<RegistryClient> {
  const { env, progress } = options;
  const { loadRegistryConfiguration } = await import('./registry/config/load-registry-configuration.js');
  const { createRegistryClient } = await import('./registry/create-registry-client.js');
  const home = env['HOME'] ?? '/';
  invariant(home.startsWith('/'), 'HOME is an absolute path');
  return createRegistryClient({
    configuration: await loadRegistryConfiguration({ env, home }),
    userAgent: `tsbuild/${VERSION}`,
    onWarning: (message) => {
      progress({ type: 'warning', message });
    },
  });
}
