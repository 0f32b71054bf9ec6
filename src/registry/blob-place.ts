import type { Repository } from '../oci/reference.js';
import type { RepositorySource } from './repository/repository-source.js';
import type { RegistryClient } from './registry-client.js';

/** Where a blob is to be had. Plain data: it crosses process boundaries. */
export type BlobPlace =
  | { readonly kind: 'repository'; readonly repository: Repository }
  /** An OCI image layout; absolute path. */
  | { readonly kind: 'layout'; readonly directory: string };

/** @param registry called when it is a registry's */
export async function openPlace(place: BlobPlace, registry: () => Promise<RegistryClient>): Promise<RepositorySource> {
  if (place.kind === 'repository') return (await registry()).repository(place.repository);
  const { createLayoutSource } = await import('./layout-source.js');
  return createLayoutSource(place.directory);
}
