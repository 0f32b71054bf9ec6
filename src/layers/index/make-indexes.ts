import { availableParallelism } from 'node:os';
import { createDigester, digestAlgorithm } from '../../oci/digest.js';
import type { Layer } from '../../oci/layer.js';
import { layout } from '../../store/layout.js';
import type { Store } from '../../store/store.js';
import { abortable } from '../../support/byte-streams.js';
import { createContentDigester, type ContentDigester } from '../compression/content-digester.js';
import { decompress } from '../compression/decompress.js';
import { contentMismatch } from '../unpack/content-mismatch.js';
import { TarReadingIndexer } from './tar-indexer.js';

export interface MakeIndexesOptions {
  readonly store: Pick<Store, 'root' | 'blobs' | 'layerIndexes'>;
  /** Told of each layer whose index is made. */
  readonly onDone?: ((layer: Layer) => void) | undefined;
  readonly signal: AbortSignal;
}

/** Bytes. Smaller blobs are done before a thread has started. */
const WORTH_A_THREAD = 4 << 20;

/**
 * Makes and saves the indexes of layers whose blobs are in the store: they are inflated, and nothing is written but the indexes.
 * @returns whether all of them have one now: not those that are too large for one, or no tars
 * @throws `DIGEST_MISMATCH` for a layer whose content is not what its diffId says; `LAYER_INVALID`, `STORE_IO`, `DISK_FULL`, `ABORTED`
 */
export async function makeIndexes(layers: readonly Layer[], options: MakeIndexesOptions): Promise<boolean> {
  await using digester = createContentDigester({ threads: availableParallelism() });
  const made = await Promise.all(layers.map(async (layer) => await makeIndex(layer, digester, options)));
  return made.every(Boolean);
}

async function makeIndex(layer: Layer, digester: ContentDigester, options: MakeIndexesOptions): Promise<boolean> {
  const { store, onDone, signal } = options;
  const { diffId, descriptor } = layer;
  const large = descriptor.size >= WORTH_A_THREAD;
  const bytes = (large ? await inThread(layer, digester, options) : undefined) ?? (await here(layer, options));
  signal.throwIfAborted();
  if (bytes === undefined) return false;
  await store.layerIndexes.save(diffId, { bytes, blob: descriptor.digest });
  onDone?.(layer);
  return true;
}

/** `undefined` when it did not work: who is to blame shows when the blob is checked as well. */
async function inThread(
  { diffId, descriptor }: Layer,
  digester: ContentDigester,
  { store, signal }: MakeIndexesOptions,
): Promise<Uint8Array | undefined> {
  const path = layout.blob(store.root, descriptor.digest);
  const file = { path, algorithm: digestAlgorithm(diffId), indexed: true };
  try {
    const { digest, index } = await digester.digest(file, { signal });
    return digest === diffId ? index : undefined;
  } catch (error) {
    if (signal.aborted) throw error;
    return undefined;
  }
}

async function here(
  { diffId, descriptor }: Layer,
  { store, signal }: MakeIndexesOptions,
): Promise<Uint8Array | undefined> {
  const digester = createDigester(digestAlgorithm(diffId));
  const indexer = new TarReadingIndexer();
  const blob = abortable(await store.blobs.open(descriptor), 'read a layer', signal);
  for await (const chunk of decompress(blob)) {
    digester.update(chunk);
    indexer.push(chunk);
  }
  const { digest } = digester.finish();
  if (digest !== diffId) throw contentMismatch(descriptor.digest, { expected: diffId, found: digest });
  return indexer.finish(diffId);
}
