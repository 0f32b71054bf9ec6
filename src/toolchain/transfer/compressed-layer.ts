import type { Descriptor } from '../../oci/descriptor.js';
import { isDigest } from '../../oci/digest.js';
import { MEDIA_TYPE, type LayerMediaType } from '../../oci/media-type.js';

/** The descriptor in a record, or `undefined` when it is none. */
export function compressedLayer(record: unknown): Descriptor<LayerMediaType> | undefined {
  const { digest, size } = (record ?? {}) as Partial<Descriptor>;
  if (typeof digest !== 'string' || !isDigest(digest) || typeof size !== 'number') return undefined;
  return { mediaType: MEDIA_TYPE.ociLayerGzip, digest, size };
}
