import type { RetryPolicy } from '../support/retry.js';
import type { RegistryConfiguration } from './config/registry-configuration.js';
import type { MirrorHealth } from './repository/read-anywhere.js';
import type { Requester } from './requester.js';

/** What the repositories of one client share. */
export interface RegistryContext {
  readonly configuration: RegistryConfiguration;
  readonly requester: Requester;
  readonly health: MirrorHealth;
  /** For what is tried again above single requests: broken downloads, uploads. */
  readonly policy: RetryPolicy;
  /** Milliseconds: a registry that asks to be left alone for longer is not waited for. */
  readonly maxRetryAfterMs: number;
}
