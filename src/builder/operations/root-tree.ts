import { chainIdsOf, countUnpacked, ensureSnapshot } from '../../layers/unpack/unpack-layers.js';
import { chainIdOf, type ChainId, type Layer } from '../../oci/layer.js';
import type { Tree } from '../../layers/tree.js';
import type { StepId } from '../progress.js';
import type { OperationContext } from '../solver/operation-handler.js';
import type { OperationParts } from './operation-parts.js';
import type { FileSystemResult } from './result.js';

/** Unpacks what of a root file system is not unpacked yet, telling the step's watchers. */
export async function unpack(
  parts: Pick<OperationParts, 'store' | 'workshop' | 'fetchLayers'>,
  root: FileSystemResult,
  { step, context }: { readonly step: StepId; readonly context: OperationContext },
): Promise<ChainId | null> {
  const { snapshotter, layerThreads, claimUnpacking } = await parts.workshop();
  const id = chainIdOf(root.layers.map(({ diffId }) => diffId));
  if (id === null || (await snapshotter.has(id))) return id;
  // Whoever waited for another finds the layers unpacked.
  using _claim = await claimUnpacking(id, { signal: context.signal });
  const unpacked = await countUnpacked(chainIdsOf(root.layers), snapshotter);
  await parts.fetchLayers(root.layers.slice(unpacked), { step, context });
  const moved = new Map<string, number>();
  const onBytes = ({ descriptor }: Layer, count: number): void => {
    const current = (moved.get(descriptor.digest) ?? 0) + count;
    moved.set(descriptor.digest, current);
    context.progress({
      type: 'transfer',
      step,
      item: descriptor.digest,
      direction: 'unpack',
      current,
      total: descriptor.size,
      done: current >= descriptor.size,
    });
  };
  return await ensureSnapshot({
    layers: root.layers,
    blobs: parts.store.blobs,
    snapshotter,
    threads: layerThreads,
    onBytes,
    signal: context.signal,
  });
}

/** The files of a root file system. */
export async function openTree(
  parts: Pick<OperationParts, 'store' | 'workshop' | 'fetchLayers'>,
  root: FileSystemResult,
  step: { readonly step: StepId; readonly context: OperationContext },
): Promise<Tree> {
  const { snapshotter } = await parts.workshop();
  return snapshotter.tree(await unpack(parts, root, step));
}
