import type { ImageSource, ImageTarget } from '../oci/image-transfer.js';
import type { Repository } from '../oci/reference.js';

/** Holds what repositories share: connections, credentials, tokens, limits. */
export interface RegistryClient {
  /** Reads go through the mirrors configured for the registry, in order, and end at the registry itself; writes only there. */
  repository(name: Repository): ImageSource & ImageTarget;
  close(): Promise<void>;
}
