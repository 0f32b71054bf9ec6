import type { ImageTarget } from '../oci/image-transfer.js';
import type { Repository } from '../oci/reference.js';
import type { RepositorySource } from './repository/repository-source.js';

/** Holds what repositories share: connections, credentials, tokens, limits. */
export interface RegistryClient {
  /** Reads go through the mirrors configured for the registry, in order, and end at the registry itself; writes only there. */
  repository(name: Repository): RepositorySource & ImageTarget;
  close(): Promise<void>;
}
