import type { Digest } from '../oci/digest.js';
import type { RawConfig, RawManifest } from '../oci/image.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { IndexMediaType, ManifestMediaType } from '../oci/media-type.js';
import type { Reference } from '../oci/reference.js';

/** An image in the store: its manifest's descriptor, with the name it is known by, or `null` for none (`<none>`). */
export interface StoredImage {
  readonly name: (Reference & { readonly tag: string }) | null;
  readonly descriptor: Descriptor<ManifestMediaType>;
  /** The digest that a registry resolved the name to when it was pulled: of an index, or of the manifest itself. */
  readonly resolved?: Digest | undefined;
  /**
   * The index that the name stands for, when everything that it lists is in the store; `descriptor` is then the image in it that
   * this machine runs, for all who want one image.
   */
  readonly index?: Descriptor<IndexMediaType> | undefined;
}

/**
 * The names of images: `index.json` of the OCI layout (image-spec image-layout.md). One process at a time writes it, under a
 * lock; readers need none. A name is durable only after all that it reaches (invariant I2): the caller ingests blobs first.
 */
export interface ImageStore {
  list(): Promise<readonly StoredImage[]>;
  /** By tag, by the manifest's digest or by the digest the registry gave. */
  find(name: Reference): Promise<StoredImage | undefined>;
  /**
   * Gives the image its name, taking it from any other; an image that loses its last name stays, unnamed. A name that stands for
   * a whole index goes on doing so when it is given to an image that was resolved from this index.
   * @returns whether anything was written
   */
  put(image: StoredImage): Promise<boolean>;
  /** Removes the entry. @returns whether it was there */
  remove(image: StoredImage): Promise<boolean>;
  manifest(descriptor: Descriptor<ManifestMediaType>): Promise<RawManifest>;
  config(manifest: RawManifest): Promise<RawConfig>;
}
