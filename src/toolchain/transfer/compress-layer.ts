import { availableParallelism } from 'node:os';
import { compressedLayer } from './compressed-layer.js';
import { compressGzip } from '../../layers/compression/gzip.js';
import type { ZstdThreads } from '../../layers/compression/zstd-threads.js';
import type { Descriptor } from '../../oci/descriptor.js';
import { digestOf, type Digest } from '../../oci/digest.js';
import { MEDIA_TYPE, type LayerMediaType } from '../../oci/media-type.js';
import type { Store } from '../../store/store.js';
import type { ByteProgress } from './transfer-events.js';

export type LayerCompression = 'gzip' | 'zstd';

export interface LayerCompressorOptions {
  readonly signal: AbortSignal;
  /** 0 to 9 of gzip, 1 to 22 of zstd; unless given, what they do themselves. */
  readonly level?: number | undefined;
  /** Begins to tell of a layer that has to be compressed. */
  readonly progressOf?: ((layer: Descriptor<LayerMediaType>) => ByteProgress) | undefined;
}

/** Threads of libuv that the command line asks for at most (src/cli/main.ts): twice as many blocks keep them all busy. */
const MAX_GZIP_BLOCKS = 32;
const MIN_GZIP_BLOCKS = 8;
/** Each has up to 40 MB at the highest levels. */
const MAX_ZSTD_THREADS = 4;
/** Bytes. Less is compressed before a thread has started. */
const WORTH_THREADS = 8 << 20;

/**
 * Layers that were built here are kept as plain tars and compressed when they are pushed for the first time; which blob came out
 * is remembered, as the bytes of gzip differ between versions of zlib.
 */
export class LayerCompressor {
  readonly #store: Pick<Store, 'blobs' | 'records'>;
  readonly #options: LayerCompressorOptions;

  constructor(store: Pick<Store, 'blobs' | 'records'>, options: LayerCompressorOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** Of a layer that is compressed already, the content. */
  async compress(
    layer: Descriptor<LayerMediaType>,
    compression: LayerCompression = 'gzip',
    signal: AbortSignal = this.#options.signal,
  ): Promise<Descriptor<LayerMediaType>> {
    const { blobs, records } = this.#store;
    const mediaType = compression === 'gzip' ? MEDIA_TYPE.ociLayerGzip : MEDIA_TYPE.ociLayerZstd;
    const key = recordKey(layer.digest, compression, this.#options.level);
    const known = compressedLayer(await records.load('compressed', key));
    if (known !== undefined && (await blobs.has(known.digest))) return { ...known, mediaType };
    const progress = this.#options.progressOf?.(layer);
    progress?.setTotal(layer.size);
    await using threads = compression === 'zstd' ? await zstdThreads(layer) : undefined;
    const content = counted(await blobs.open(layer), progress?.onBytes);
    const { level } = this.#options;
    const compressing = await compressed(layer, content, { compression, level, threads });
    const { digest, size } = await blobs.ingest(compressing, { signal });
    progress?.finish();
    const made: Descriptor<LayerMediaType> = { mediaType, digest, size };
    await records.save('compressed', key, made);
    return made;
  }
}

interface Way {
  readonly compression: LayerCompression;
  readonly level: number | undefined;
  readonly threads: ZstdThreads | undefined;
}

async function compressed(
  { mediaType }: Descriptor<LayerMediaType>,
  stored: AsyncIterable<Uint8Array>,
  { compression, level, threads }: Way,
): Promise<AsyncIterable<Uint8Array>> {
  const isPlain = mediaType === MEDIA_TYPE.ociLayer || mediaType === MEDIA_TYPE.dockerLayer;
  const { decompress } = await import('../../layers/compression/decompress.js');
  const content = isPlain ? stored : decompress(stored);
  if (compression === 'gzip') return compressGzip(content, { level, ahead: gzipBlocks() });
  const { compressZstd } = await import('../../layers/compression/zstd.js');
  return compressZstd(content, { level, threads });
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

function gzipBlocks(): number {
  return Math.min(Math.max(2 * availableParallelism(), MIN_GZIP_BLOCKS), MAX_GZIP_BLOCKS);
}

async function zstdThreads({ size }: Descriptor): Promise<ZstdThreads | undefined> {
  const threads = Math.min(availableParallelism(), MAX_ZSTD_THREADS);
  if (size < WORTH_THREADS || threads < 2) return undefined;
  const { createZstdThreads } = await import('../../layers/compression/zstd-threads.js');
  return createZstdThreads({ threads });
}

/** One blob for each way: by the layer's digest alone what gzip made of it, as records have it since the first version. */
function recordKey(layer: Digest, compression: LayerCompression, level: number | undefined): Digest {
  if (level !== undefined) return digestOf(`${compression} ${level} ${layer}`);
  return compression === 'gzip' ? layer : digestOf(`${compression} ${layer}`);
}
