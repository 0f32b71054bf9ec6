import type { ProgressSink } from '../../builder/progress.js';
import type { RegistrySettings } from '../../registry/config/registry-settings.js';
import type { RegistryClient } from '../../registry/registry-client.js';
import { invariant } from '../../support/invariant.js';
import { VERSION } from '../../version.js';

/** A registry client by the caller's configuration: registries.conf, Docker's files, proxies, certificates. */
export async function openRegistryClient(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: ProgressSink;
  /** What counts before all of that. */
  readonly registries?: RegistrySettings | undefined;
  /** `pull` unless given. */
  readonly purpose?: 'pull' | 'push';
}): Promise<RegistryClient> {
  const { env, progress, registries, purpose = 'pull' } = options;
  const { loadRegistryConfiguration } = await import('../../registry/config/load-registry-configuration.js');
  const { retryPolicy, withSettings } = await import('../../registry/config/registry-settings.js');
  const { createRegistryClient } = await import('../../registry/create-registry-client.js');
  const home = env['HOME'] ?? '/';
  invariant(home.startsWith('/'), 'HOME is an absolute path');
  return createRegistryClient({
    configuration: withSettings(await loadRegistryConfiguration({ env, home }), registries),
    retries: retryPolicy(registries, purpose),
    userAgent: `tsbuild/${VERSION}`,
    onWarning: (message) => {
      progress({ type: 'warning', message });
    },
  });
}
