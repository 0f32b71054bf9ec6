import type { Digest } from '../../oci/digest.js';
import type { RawConfig, RawManifest } from '../../oci/image.js';
import type { Layer } from '../../oci/layer.js';
import type { Reference } from '../../oci/reference.js';
import type { RepositorySource } from '../../registry/repository/repository-source.js';

/** An image that a build begins with, as it was found. */
export interface KnownBase {
  readonly reference: Reference;
  /** What the registry resolved the name to: of an index or of the manifest. */
  readonly resolved: Digest;
  readonly manifest: RawManifest;
  readonly config: RawConfig;
  readonly layers: readonly Layer[];
  /** Where its layers are to be had; absent: in the registry of its reference. */
  readonly layout?: RepositorySource;
  readonly layoutDirectory?: string;
}
