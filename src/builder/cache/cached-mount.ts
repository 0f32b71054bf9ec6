import type { Layer } from '../../oci/layer.js';
import type { CacheMountName } from '../../store/cache-mounts.js';

/** The directory of a cache mount as it travels with a cache: an archive of its files, as a layer. */
export interface CachedMount extends CacheMountName {
  readonly layer: Layer;
}
