import type { ImageTarget } from '../oci/image-transfer.js';
import type { Repository } from '../oci/reference.js';
import type { RepositoryContent } from './repository/repository-content.js';
import type { RepositorySource } from './repository/repository-source.js';

/** Holds what repositories share: connections, credentials, tokens, limits. */
export interface RegistryClient {
  /** Reads go through the mirrors configured for the registry, in order, and end at the registry itself; writes only there. */
  repository(name: Repository): RepositorySource & ImageTarget & RepositoryContent;
  /** Whether the registry lets the credentials in. @throws `REGISTRY_UNAUTHORIZED`, `REGISTRY_UNREACHABLE`, `REGISTRY_RESPONSE` */
  checkAccess(registry: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  close(): Promise<void>;
}
