import type { Layer } from '../oci/layer.js';
import { MEDIA_TYPE } from '../oci/media-type.js';
import type { BlobStore } from '../store/blob-store.js';
import type { LayerIndexes } from '../store/records/layer-indexes.js';
import type { Change } from './change.js';
import { LayerIndexBuilder } from './index/layer-index-builder.js';
import { writeTar } from './tar/write-tar.js';

/**
 * Stores changes as a layer. Uncompressed: compression costs ten times what all else does, and is done when, and if, the layer is
 * exported. So the digest of the blob is the diffId.
 * @throws `LAYER_INVALID` for what a layer cannot hold; what `ingest` throws
 */
export async function commitLayer(options: {
  readonly changes: AsyncIterable<Change> | Iterable<Change>;
  readonly blobs: Pick<BlobStore, 'ingest'>;
  /** Where the index of the layer goes; absent: nowhere. */
  readonly indexes?: Pick<LayerIndexes, 'save'> | undefined;
  readonly signal?: AbortSignal | undefined;
}): Promise<Layer> {
  const { changes, indexes, signal } = options;
  const index = indexes === undefined ? undefined : new LayerIndexBuilder();
  const { digest, size } = await options.blobs.ingest(writeTar(changes, index), { signal });
  const bytes = index?.finish({ diffId: digest, tarSize: size });
  if (bytes !== undefined) await indexes?.save(digest, { bytes, blob: digest });
  return { descriptor: { mediaType: MEDIA_TYPE.ociLayer, digest, size }, diffId: digest };
}
