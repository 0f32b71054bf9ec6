import { countUnpacked, ensureSnapshot } from '../../layers/unpack/unpack-layers.js';
import { chainIdsOf, type ChainId, type Layer } from '../../oci/layer.js';
import { EMPTY_TREE, type Tree } from '../../layers/tree.js';
import type { ByteString } from '../../support/byte-string.js';
import type { StepId } from '../progress.js';
import type { OperationContext } from '../solver/operation-handler.js';
import type { OperationParts } from './operation-parts.js';
import { indexedTree, type ForStep, type IndexingParts, type RootOf } from './indexed-tree.js';
import type { TreeReading } from './reading-trees.js';
import { ArrivingLayers } from '../remote/arriving-layers.js';
import type { FileSystemResult } from './result.js';

/** Unpacks what of a root file system is not unpacked yet, telling the step's watchers. */
export async function unpack(
  parts: Pick<OperationParts, 'store' | 'workshop' | 'fetchLayers'>,
  root: FileSystemResult,
  { step, context }: { readonly step: StepId; readonly context: OperationContext },
): Promise<ChainId | null> {
  const { snapshotter, layerThreads, claimUnpacking } = await parts.workshop();
  const chain = chainIdsOf(root.layers.map(({ diffId }) => diffId));
  const id = chain.at(-1) ?? null;
  if (id === null || (await snapshotter.has(id))) return id;
  // Whoever waited for another finds the layers unpacked.
  using _claim = await claimUnpacking(id, { signal: context.signal });
  const unpacked = await countUnpacked(chain, snapshotter);
  // What is here is unpacked while others are on their way.
  await using arriving = new ArrivingLayers((onFetched) =>
    parts.fetchLayers(root.layers.slice(unpacked), { step, context, onFetched }),
  );
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
  const made = await ensureSnapshot({
    layers: root.layers,
    arrived: (layer) => arriving.arrived(layer),
    blobs: parts.store.blobs,
    snapshotter,
    threads: layerThreads,
    indexes: parts.store.layerIndexes,
    onBytes,
    onUnmountable: ({ descriptor: { digest } }, reason) => {
      context.progress({ type: 'notice', message: `layer ${digest} is unpacked, not mounted: ${reason}` });
    },
    signal: context.signal,
  });
  await arriving.all();
  return made;
}

/** A root file system's files, and how to have contents of them at hand that `read` would not find so. */
export interface ReadTree {
  readonly tree: Tree;
  /** @throws `ContentElsewhereError` when they are to be had by unpacking */
  readonly bring: (paths: Iterable<ByteString>) => Promise<void>;
}

/** The files of a root file system, unpacked or not. */
export async function openReadTree(
  parts: IndexingParts,
  of: RootOf,
  { reading, ...step }: ForStep & { readonly reading: TreeReading },
): Promise<ReadTree> {
  if (of.root.layers.length === 0) return { tree: EMPTY_TREE, bring: () => Promise.resolve() };
  const indexed = reading === 'indexed' ? await indexedTree(parts, of, step) : undefined;
  if (indexed === undefined) return { tree: await openTree(parts, of.root, step), bring: () => Promise.resolve() };
  const trees = await parts.layerTrees();
  const fetch = (layers: readonly Layer[]): Promise<void> => parts.fetchLayers(layers, step);
  const { signal } = step.context;
  return { tree: indexed, bring: async (paths) => trees.bring(indexed, paths, { fetch, signal }) };
}

/** The files of a root file system, unpacked. */
export async function openTree(
  parts: Pick<OperationParts, 'store' | 'workshop' | 'fetchLayers'>,
  root: FileSystemResult,
  step: { readonly step: StepId; readonly context: OperationContext },
): Promise<Tree> {
  const { snapshotter } = await parts.workshop();
  return snapshotter.tree(await unpack(parts, root, step));
}
