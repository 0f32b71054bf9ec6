import { compressedLayer } from './compressed-layer.js';
import { compressGzip } from './layers/compression/gzip.js';
import type { Descriptor } from './oci/descriptor.js';
import { digestOf, type Digest } from './oci/digest.js';
import { MEDIA_TYPE, type LayerMediaType } from './oci/media-type.js';
import type { Store } from './store/store.js';

export type LayerCompression = 'gzip' | 'zstd';

/**
 * Layers that were built here are kept as plain tars and compressed when they are pushed for the first time; which blob came out
 * is remembered, as the bytes of gzip differ between versions of zlib.
 */
export class LayerCompressor {
  readonly #store: Pick<Store, 'blobs' | 'records'>;
  readonly #signal: AbortSignal;

  constructor(store: Pick<Store, 'blobs' | 'records'>, signal: AbortSignal) {
    this.#store = store;
    this.#signal = signal;
  }

  /** Of a layer that is compressed otherwise, the content. */
  async compress(
    layer: Descriptor<LayerMediaType>,
    compression: LayerCompression = 'gzip',
    signal: AbortSignal = this.#signal,
  ): Promise<Descriptor<LayerMediaType>> {
    const { blobs, records } = this.#store;
    const mediaType = compression === 'gzip' ? MEDIA_TYPE.ociLayerGzip : MEDIA_TYPE.ociLayerZstd;
    const key = recordKey(layer.digest, compression);
    const known = compressedLayer(await records.load('compressed', key));
    if (known !== undefined && (await blobs.has(known.digest))) return { ...known, mediaType };
    const { digest, size } = await blobs.ingest(await this.#compressed(layer, compression), { signal });
    const made: Descriptor<LayerMediaType> = { mediaType, digest, size };
    await records.save('compressed', key, made);
    return made;
  }

  async #compressed(
    layer: Descriptor<LayerMediaType>,
    compression: LayerCompression,
  ): Promise<AsyncIterable<Uint8Array>> {
    const stored = await this.#store.blobs.open(layer);
    const isPlain = layer.mediaType === MEDIA_TYPE.ociLayer || layer.mediaType === MEDIA_TYPE.dockerLayer;
    const { decompress } = await import('./layers/compression/decompress.js');
    const content = isPlain ? stored : decompress(stored);
    if (compression === 'gzip') return compressGzip(content);
    const { compressZstd } = await import('./layers/compression/zstd.js');
    return compressZstd(content);
  }
}

/** One blob for each way: by the layer's digest alone what gzip made of it, as records have it since the first version. */
function recordKey(layer: Digest, compression: LayerCompression): Digest {
  return compression === 'gzip' ? layer : digestOf(`${compression} ${layer}`);
}
