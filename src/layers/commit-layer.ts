import type { Layer } from '../oci/layer.js';
import { MEDIA_TYPE } from '../oci/media-type.js';
import type { BlobStore } from '../store/blob-store.js';
import type { Change } from './change.js';
import { writeTar } from './tar/write-tar.js';

/**
 * Stores changes as a layer. Uncompressed: compression costs ten times what all else does, and is done when, and if, the layer is
 * exported. So the digest of the blob is the diffId.
 * @throws `LAYER_INVALID` for what a layer cannot hold; what `ingest` throws
 */
export async function commitLayer(options: {
  readonly changes: AsyncIterable<Change>;
  readonly blobs: Pick<BlobStore, 'ingest'>;
  readonly signal?: AbortSignal | undefined;
}): Promise<Layer> {
  const { digest, size } = await options.blobs.ingest(writeTar(options.changes), { signal: options.signal });
  return { descriptor: { mediaType: MEDIA_TYPE.ociLayer, digest, size }, diffId: digest };
}
