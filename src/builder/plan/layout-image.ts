import type { Digest } from '../../oci/digest.js';

/** An image in an OCI image layout on this host. */
export interface LayoutImage {
  /** Absolute. */
  readonly directory: string;
  /** What its `org.opencontainers.image.ref.name` says; a digest beside it decides. */
  readonly tag: string;
  readonly digest?: Digest;
}
