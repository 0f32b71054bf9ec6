import { sleep, type RetryPolicy } from '../support/retry.js';
import type { RegistryConfiguration } from './config/registry-configuration.js';
import { createTransport, DEFAULT_TIMEOUTS, type HttpTimeouts } from './http/transport.js';
import { MirrorHealth } from './repository/read-anywhere.js';
import type { RegistryClient } from './registry-client.js';
import type { RegistryContext } from './registry-context.js';
import { createRepositoryContent } from './repository/repository-content.js';
import { createRepositorySource } from './repository/repository-source.js';
import { createRepositoryTarget } from './repository/repository-target.js';
import { Requester } from './requester.js';

export interface RegistryClientOptions {
  readonly configuration: RegistryConfiguration;
  /** `tsbuild/1.2.3`; some registries refuse clients that do not say who they are. */
  readonly userAgent: string;
  /** What a registry wants users to know, and waits of some seconds. */
  readonly onWarning?: ((text: string) => void) | undefined;
  readonly timeouts?: Partial<HttpTimeouts> | undefined;
  readonly retries?: Partial<RetryPolicy> | undefined;
  /** Milliseconds; 60 s unless given. A registry that asks for a longer pause gets an error. */
  readonly maxRetryAfterMs?: number | undefined;
  /** Milliseconds since the epoch; tells when tokens expire. */
  readonly now?: (() => number) | undefined;
}

const DEFAULT_RETRIES: RetryPolicy = { attempts: 6, baseMs: 500, capMs: 30_000, random: Math.random, sleep };
const MAX_RETRY_AFTER_MS = 60_000;

/** No connection is made before something is asked for. Close it, or its connections keep the process. */
export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const { configuration, userAgent } = options;
  const policy = { ...DEFAULT_RETRIES, ...options.retries };
  const transport = createTransport({
    proxies: configuration.proxies,
    certificates: configuration.certificates,
    timeouts: { ...DEFAULT_TIMEOUTS, ...options.timeouts },
    userAgent,
  });
  const maxRetryAfterMs = options.maxRetryAfterMs ?? MAX_RETRY_AFTER_MS;
  const requester = new Requester({
    transport,
    policy,
    credentials: configuration.credentials,
    maxRetryAfterMs,
    now: options.now ?? Date.now,
    onWarning: options.onWarning ?? (() => undefined),
  });
  const context: RegistryContext = { configuration, requester, policy, maxRetryAfterMs, health: new MirrorHealth() };
  return {
    repository: (name) => {
      const source = createRepositorySource(context, name);
      return {
        ...source,
        ...createRepositoryTarget(context, name, source),
        ...createRepositoryContent(context, name, source),
      };
    },
    async checkAccess(registry, { signal } = {}) {
      const { checkAccess } = await import('./check-access.js');
      await checkAccess(context, registry, signal);
    },
    close() {
      transport.close();
      return Promise.resolve();
    },
  };
}
