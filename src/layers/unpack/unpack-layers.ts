import { createDigester, digestAlgorithm } from '../../oci/digest.js';
import { chainIdsOf, type ChainId, type Layer } from '../../oci/layer.js';
import type { BlobReader } from '../../store/blob-store.js';
import type { LayerIndexes } from '../../store/records/layer-indexes.js';
import { isTsbuildError } from '../../support/errors.js';
import { decompress } from '../compression/decompress.js';
import { TarIndexer } from '../index/tar-indexer.js';
import type { ActiveSnapshot, Snapshotter } from '../snapshotter.js';
import { contentMismatch } from './content-mismatch.js';
import type { LayerThreads } from './layer-threads.js';
import { isWorthThreads, stackOf, unpackApart, type StackedLayer } from './unpack-apart.js';

export interface UnpackOptions {
  /** Bottommost first. */
  readonly layers: readonly Layer[];
  readonly blobs: BlobReader;
  /** Settles when the blob of a layer is there; rejects when it will not be. Absent: all are. */
  readonly arrived?: ((layer: Layer) => Promise<void>) | undefined;
  readonly snapshotter: Snapshotter;
  /** Those of the store that `blobs` is of: with them, several large layers are unpacked at once. */
  readonly threads?: LayerThreads | undefined;
  /** Where indexes of the layers go that are not there; absent: none are made. */
  readonly indexes?: Pick<LayerIndexes, 'has' | 'load' | 'save' | 'isUntouched'> | undefined;
  /** Told of a layer that is unpacked although others are mounted, and why: for people to read after "as". */
  readonly onUnmountable?: ((layer: Layer, reason: string) => void) | undefined;
  /** Called with counts of bytes of the stored blob that have just been unpacked. */
  readonly onBytes?: ((layer: Layer, count: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes sure that there is a snapshot of a stack of layers, unpacking those that are missing.
 * @returns its chain id; `null` for no layers
 * @throws `DIGEST_MISMATCH` for a layer whose content is not what its diffId says; `LAYER_INVALID`, `DISK_FULL`, `STORE_IO`,
 * `ABORTED`. What failed leaves nothing; the layers below it stay unpacked
 */
export async function ensureSnapshot(options: UnpackOptions): Promise<ChainId | null> {
  const { layers, snapshotter } = options;
  const chain = chainIdsOf(layers.map(({ diffId }) => diffId));
  const there = await countUnpacked(chain, snapshotter);
  if (await mountInstead(stackOf(layers, { chain, from: there }), options)) return chain.at(-1) ?? null;
  const unpacked = await unpackAtOnce(chain, there, options);
  // An overlay keeps every layer apart, for images that share it. A copy of all files for each would serve nobody.
  const batches =
    snapshotter.name === 'copy' ? [layers.slice(unpacked)] : layers.slice(unpacked).map((layer) => [layer]);
  let done = unpacked;
  for (const batch of batches) {
    if (batch.length > 0) await unpackBatch(batch, [chain[done - 1] ?? null, chain[done + batch.length - 1]], options);
    done += batch.length;
  }
  return chain.at(-1) ?? null;
}

/** @returns whether layers can be mounted here, and these are ready to be */
async function mountInstead(stack: readonly StackedLayer[], options: UnpackOptions): Promise<boolean> {
  const { snapshotter, indexes } = options;
  if (snapshotter.images === undefined || indexes === undefined || stack.length === 0) return false;
  const { mountLayers } = await import('./mount-layers.js');
  await mountLayers(stack, {
    ...options,
    images: snapshotter.images,
    indexes,
    unpack: async ({ layer, id, parent }) => {
      await unpackBatch([layer], [parent, id], { ...options, onBytes: undefined });
    },
  });
  return true;
}

/** @returns how many layers are unpacked then: all, or as many as before when one layer has to be unpacked after the other */
async function unpackAtOnce(
  chain: readonly ChainId[],
  unpacked: number,
  { layers, snapshotter, threads, indexes, arrived, onBytes, signal }: UnpackOptions,
): Promise<number> {
  const { apart } = snapshotter;
  if (apart === undefined || threads === undefined || !isWorthThreads(layers.slice(unpacked))) return unpacked;
  const stack = stackOf(layers, { chain, from: unpacked });
  try {
    await unpackApart(stack, { snapshots: apart, threads, indexes, arrived, onBytes, signal });
    return layers.length;
  } catch (error) {
    if (isTsbuildError(error, 'ABORTED') || isTsbuildError(error, 'DISK_FULL')) throw error;
    // Once more, without threads: who is to blame, the store or the image, shows when the blobs are checked as well.
    return await countUnpacked(chain, snapshotter);
  }
}

/** How many layers, from the bottom, need not be unpacked: the topmost snapshot there is counts, whatever is below it. */
export async function countUnpacked(
  chain: readonly (ChainId | null)[],
  snapshotter: Pick<Snapshotter, 'has'>,
): Promise<number> {
  for (let count = chain.length; count > 0; count--) {
    const id = chain[count - 1];
    if (id != null && (await snapshotter.has(id))) return count;
  }
  return 0;
}

async function unpackBatch(
  layers: readonly Layer[],
  [parent, id]: readonly [ChainId | null, ChainId | null | undefined],
  options: UnpackOptions,
): Promise<void> {
  await using active = await options.snapshotter.prepare(parent);
  for (const layer of layers) await unpackLayer(layer, active, options);
  if (id != null) await active.commit(id);
}

async function unpackLayer(layer: Layer, active: ActiveSnapshot, options: UnpackOptions): Promise<void> {
  await options.arrived?.(layer);
  const blob = await options.blobs.open(layer.descriptor);
  try {
    const counted = counting(blob as AsyncIterable<Uint8Array>, (count) => options.onBytes?.(layer, count));
    const indexer = options.indexes?.has(layer.diffId) === false ? new TarIndexer() : undefined;
    await active.apply(verified(decompress(counted), layer), { signal: options.signal, indexer });
    const bytes = indexer?.finish(layer.diffId);
    if (bytes !== undefined) await options.indexes?.save(layer.diffId, { bytes, blob: layer.descriptor.digest });
  } finally {
    blob.destroy();
  }
}

async function* counting(
  source: AsyncIterable<Uint8Array>,
  onBytes: (count: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    yield chunk;
    onBytes(chunk.byteLength);
  }
}

/** A blob's digest proves what was fetched; only the diffId proves that the image's config means these files. */
async function* verified(
  source: AsyncIterable<Uint8Array>,
  { diffId, descriptor }: Layer,
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = createDigester(digestAlgorithm(diffId));
  for await (const chunk of source) {
    digester.update(chunk);
    yield chunk;
  }
  const { digest } = digester.finish();
  if (digest === diffId) return;
  throw contentMismatch(descriptor.digest, { expected: diffId, found: digest });
}
