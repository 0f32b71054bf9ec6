import { createRegistryClient, type RegistryClientOptions } from '../../../src/registry/create-registry-client.js';
import type { Credential } from '../../../src/registry/auth/credentials.js';
import type { RegistryConfiguration } from '../../../src/registry/config/registry-configuration.js';
import { proxySettings } from '../../../src/registry/http/http-proxy.js';
import type { RegistryClient } from '../../../src/registry/registry-client.js';

/** What a machine says about registries on which nothing is configured. */
export function emptyConfiguration(
  changes: Partial<RegistryConfiguration> = {},
  credentials: Readonly<Record<string, Credential>> = {},
): RegistryConfiguration {
  return {
    rules: [],
    dockerHubMirrors: [],
    insecureRegistries: [],
    proxies: proxySettings({}),
    hosts: [],
    certificates: { named: [], folders: [], system: [], forHost: () => Promise.resolve(undefined) },
    credentials: { place: 'test', find: (registry) => Promise.resolve(credentials[registry] ?? null) },
    ...changes,
  };
}

export interface TestClient extends AsyncDisposable {
  readonly client: RegistryClient;
  readonly warnings: readonly string[];
  /** Milliseconds that it would have slept. */
  readonly sleeps: readonly number[];
}

/** A client that never really sleeps and never waits long. */
export function testClient(
  options: Partial<Omit<RegistryClientOptions, 'onWarning'>> & {
    readonly credentials?: Readonly<Record<string, Credential>>;
  } = {},
): TestClient {
  const warnings: string[] = [];
  const sleeps: number[] = [];
  const client = createRegistryClient({
    configuration: emptyConfiguration({}, options.credentials),
    userAgent: 'tsbuild/test',
    timeouts: { connectMs: 2000, headersMs: 300, commitMs: 300, inactivityMs: 300 },
    ...options,
    retries: {
      attempts: 3,
      random: () => 1,
      sleep: (ms) => {
        sleeps.push(ms);
        return Promise.resolve();
      },
      ...options.retries,
    },
    onWarning: (text) => warnings.push(text),
  });
  return {
    client,
    warnings,
    sleeps,
    async [Symbol.asyncDispose]() {
      await client.close();
    },
  };
}
