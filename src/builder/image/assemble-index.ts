import type { Descriptor } from '../../oci/descriptor.js';
import type { ImageIndex, ManifestDescriptor } from '../../oci/image.js';
import { MEDIA_TYPE, type IndexMediaType, type ManifestMediaType } from '../../oci/media-type.js';
import type { Platform } from '../../oci/platform.js';
import { document, sorted, type Document } from './assemble-image.js';

export interface IndexedImage {
  readonly manifest: Descriptor<ManifestMediaType>;
  readonly platform: Platform;
  /** Of its entry. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** An OCI index (image-spec image-index.md) of these images, in this order, with members in BuildKit's. */
export function assembleIndex(
  images: readonly IndexedImage[],
  annotations: Readonly<Record<string, string>>,
): Document<IndexMediaType> {
  const manifests = images.map(({ manifest, platform, annotations: own }): ManifestDescriptor => {
    const { mediaType, digest, size } = manifest;
    const { os, architecture, variant } = platform;
    return {
      mediaType,
      digest,
      size,
      ...annotationsMember(own),
      platform: { architecture, os, ...(variant === undefined ? {} : { variant }) },
    };
  });
  const value: ImageIndex = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociIndex,
    manifests,
    ...annotationsMember(annotations),
  };
  return document(MEDIA_TYPE.ociIndex, value);
}

function annotationsMember(values: Readonly<Record<string, string>>): Pick<ImageIndex, 'annotations'> {
  return Object.keys(values).length === 0 ? {} : { annotations: sorted(values) };
}
