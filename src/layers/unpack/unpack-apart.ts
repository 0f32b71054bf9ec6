import type { LayerIndexes } from '../../store/records/layer-indexes.js';
import { bytesOfText } from '../../support/byte-string.js';
import type { ChainId, Layer } from '../../oci/layer.js';
import type { ApartSnapshot, ApartSnapshots } from '../snapshotter.js';
import type { LayerThreads } from './layer-threads.js';
import { createLayersBelow, type LayersBelowSource } from './layers-below.js';

/** Bytes. A thread has not started before a smaller layer is unpacked. */
const WORTH_A_THREAD = 4 << 20;

export interface StackedLayer {
  readonly layer: Layer;
  /** Of the snapshot with this layer on top. */
  readonly id: ChainId;
  readonly parent: ChainId | null;
}

/** What of a chain is to be made, of layers without a snapshot. */
export function stackOf(
  layers: readonly Layer[],
  { chain, from }: { readonly chain: readonly ChainId[]; readonly from: number },
): readonly StackedLayer[] {
  return layers.flatMap((layer, index): readonly StackedLayer[] => {
    const id = chain[index];
    return index < from || id === undefined ? [] : [{ layer, id, parent: chain[index - 1] ?? null }];
  });
}

export interface UnpackApartOptions {
  readonly snapshots: ApartSnapshots;
  readonly threads: LayerThreads;
  /** Where indexes of the layers go that are not there; absent: none are made. */
  readonly indexes?: Pick<LayerIndexes, 'has' | 'save'> | undefined;
  /** As of `ensureSnapshot`. */
  readonly arrived?: ((layer: Layer) => Promise<void>) | undefined;
  readonly onBytes?: ((layer: Layer, count: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Whether there are two layers that two threads would be busy with. */
export function isWorthThreads(layers: readonly Layer[]): boolean {
  return layers.filter(({ descriptor }) => descriptor.size >= WORTH_A_THREAD).length >= 2;
}

/**
 * Unpacks layers that lie one upon another, each in a thread, as many at once as there are threads. A layer whose meaning depends on
 * those below (what a whiteout hides, where a link leads, a directory that it has files in and does not describe) waits for them when
 * it comes to that, and each is committed after the one below it.
 * @throws the first failure. What failed, and all above it, leaves nothing
 */
export async function unpackApart(stack: readonly StackedLayer[], options: UnpackApartOptions): Promise<void> {
  const failed = new AbortController();
  const { signal } = options;
  const stop = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  const failures: unknown[] = [];
  const largest = Math.max(...stack.map(({ layer }) => layer.descriptor.size));
  const total = stack.reduce((sum, { layer }) => sum + layer.descriptor.size, 0);
  await using snapshots = await createAll(stack.length, options.snapshots);
  const running: Promise<void>[] = [];
  let below: Promise<void> = Promise.resolve();
  let here: Promise<void> = Promise.resolve();
  for (const [index, stacked] of stack.entries()) {
    const snapshot = snapshots.all[index];
    if (snapshot === undefined) continue;
    const { size } = stacked.layer.descriptor;
    // No thread waits for a layer below that has none yet.
    here = here.then(async () => options.arrived?.(stacked.layer));
    const job = { stacked, snapshot, here, below, overlapped: size === largest && size > total / 2 };
    below = unpackOne(job, { ...options, signal: stop }).catch((error: unknown) => {
      failures.push(error);
      failed.abort();
      throw error;
    });
    running.push(below);
  }
  await Promise.allSettled(running);
  if (failures.length > 0) throw failures[0];
}

interface Snapshots extends AsyncDisposable {
  readonly all: readonly ApartSnapshot[];
}

async function createAll(count: number, snapshots: ApartSnapshots): Promise<Snapshots> {
  const all: ApartSnapshot[] = [];
  const dispose = async (): Promise<void> => {
    for (const snapshot of all) await snapshot[Symbol.asyncDispose]();
  };
  try {
    while (all.length < count) all.push(await snapshots.create());
  } catch (error) {
    await dispose();
    throw error;
  }
  return { all, [Symbol.asyncDispose]: dispose };
}

interface Unpacking {
  readonly stacked: StackedLayer;
  readonly snapshot: ApartSnapshot;
  /** Settles once the blobs of this layer and of all below it are there. */
  readonly here: Promise<void>;
  /** Settles once all layers below are committed, or one of them failed. */
  readonly below: Promise<void>;
  readonly overlapped: boolean;
}

async function unpackOne(
  { stacked, snapshot, here, below, overlapped }: Unpacking,
  options: UnpackApartOptions,
): Promise<void> {
  const { layer, id, parent } = stacked;
  const { snapshots, threads, indexes, onBytes, signal } = options;
  await here;
  let left = layer.descriptor.size;
  const report = (count: number): void => {
    left -= count;
    if (count > 0) onBytes?.(layer, count);
  };
  using source = createLayersBelow(report);
  const answered = answer(source, async () => {
    await below;
    return await snapshots.layersOf(parent);
  });
  const { ownership, opaqueXattr } = snapshots;
  const { digest, size } = layer.descriptor;
  const root = bytesOfText(snapshot.directory);
  const indexed = indexes?.has(layer.diffId) === false;
  const job = { blob: { digest, size }, diffId: layer.diffId, root, ownership, opaqueXattr, overlapped, indexed };
  const { owners, index } = await threads.unpack({ ...job, below: source.ends }, { signal });
  await answered;
  report(left);
  await snapshot.commit(id, { parent, owners });
  if (index !== undefined) await indexes?.save(layer.diffId, { bytes: index, blob: digest });
}

/** Never rejects: a failure below is told as one, and reported by who failed. */
async function answer(source: LayersBelowSource, layers: () => ReturnType<ApartSnapshots['layersOf']>): Promise<void> {
  try {
    source.answer(await layers());
  } catch {
    source.answer(null);
  }
}
