import { compressedLayer } from './compressed-layer.js';
import { compressGzip } from './layers/compression/gzip.js';
import type { Descriptor } from './oci/descriptor.js';
import { digestOf, type Digest } from './oci/digest.js';
import { MEDIA_TYPE, type LayerMediaType } from './oci/media-type.js';
import type { Store } from './store/store.js';
import type { ByteProgress } from './transfer-events.js';

export type LayerCompression = 'gzip' | 'zstd';

/**
 * Layers that were built here are kept as plain tars and compressed when they are pushed for the first time; which blob came out
 * is remembered, as the bytes of gzip differ between versions of zlib.
 */
export class LayerCompressor {
  readonly #store: Pick<Store, 'blobs' | 'records'>;
  readonly #signal: AbortSignal;
  readonly #progressOf: ((layer: Descriptor<LayerMediaType>) => ByteProgress) | undefined;

  /** @param progressOf begins to tell of a layer that has to be compressed */
  constructor(
    store: Pick<Store, 'blobs' | 'records'>,
    signal: AbortSignal,
    progressOf?: (layer: Descriptor<LayerMediaType>) => ByteProgress,
  ) {
    this.#store = store;
    this.#signal = signal;
    this.#progressOf = progressOf;
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
    const progress = this.#progressOf?.(layer);
    progress?.setTotal(layer.size);
    const content = counted(await blobs.open(layer), progress?.onBytes);
    const { digest, size } = await blobs.ingest(await compressed(layer, content, compression), { signal });
    progress?.finish();
    const made: Descriptor<LayerMediaType> = { mediaType, digest, size };
    await records.save('compressed', key, made);
    return made;
  }
}

async function compressed(
  { mediaType }: Descriptor<LayerMediaType>,
  stored: AsyncIterable<Uint8Array>,
  compression: LayerCompression,
): Promise<AsyncIterable<Uint8Array>> {
  const isPlain = mediaType === MEDIA_TYPE.ociLayer || mediaType === MEDIA_TYPE.dockerLayer;
  const { decompress } = await import('./layers/compression/decompress.js');
  const content = isPlain ? stored : decompress(stored);
  if (compression === 'gzip') return compressGzip(content);
  const { compressZstd } = await import('./layers/compression/zstd.js');
  return compressZstd(content);
}

async function* counted(
  content: AsyncIterable<Uint8Array>,
  onBytes: ((count: number) => void) | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of content) {
    onBytes?.(chunk.byteLength);
    yield chunk;
  }
}

/** One blob for each way: by the layer's digest alone what gzip made of it, as records have it since the first version. */
function recordKey(layer: Digest, compression: LayerCompression): Digest {
  return compression === 'gzip' ? layer : digestOf(`${compression} ${layer}`);
}
