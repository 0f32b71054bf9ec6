import { compressedLayer } from './compressed-layer.js';
import { compressGzip } from './layers/compression/gzip.js';
import type { Descriptor } from './oci/descriptor.js';
import { MEDIA_TYPE, type LayerMediaType } from './oci/media-type.js';
import type { Store } from './store/store.js';

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

  async compress(layer: Descriptor<LayerMediaType>): Promise<Descriptor<LayerMediaType>> {
    const { blobs, records } = this.#store;
    const known = compressedLayer(await records.load('compressed', layer.digest));
    if (known !== undefined && (await blobs.has(known.digest))) return known;
    const { digest, size } = await blobs.ingest(compressGzip(await blobs.open(layer)), { signal: this.#signal });
    const made: Descriptor<LayerMediaType> = { mediaType: MEDIA_TYPE.ociLayerGzip, digest, size };
    await records.save('compressed', layer.digest, made);
    return made;
  }
}
