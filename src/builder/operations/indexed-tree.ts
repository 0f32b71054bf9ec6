import { makeIndexes } from '../../layers/index/make-indexes.js';
import type { NodesTree } from '../../layers/index/nodes-tree.js';
import { countUnpacked } from '../../layers/unpack/unpack-layers.js';
import { chainIdsOf, type ChainId, type Layer } from '../../oci/layer.js';
import { isTsbuildError } from '../../support/errors.js';
import type { VertexId } from '../graph.js';
import type { StepId } from '../progress.js';
import type { OperationContext } from '../solver/operation-handler.js';
import type { OperationParts } from './operation-parts.js';
import type { FileSystemResult } from './result.js';

/** A root file system, and whose result it is. */
export interface RootOf {
  readonly root: FileSystemResult;
  readonly vertex: VertexId;
}

export interface ForStep {
  readonly step: StepId;
  readonly context: OperationContext;
  /** Whether contents of files are wanted, or only what and where they are. */
  readonly contents: boolean;
}

export type IndexingParts = Pick<OperationParts, 'store' | 'workshop' | 'layerTrees' | 'fetchLayers' | 'isRunUpon'>;

/**
 * The files of a root file system by the indexes of its layers; those that are missing are made. `undefined` where unpacking is the
 * better way: it is unpacked already, or a step that runs upon it will have it unpacked anyway; or where it is the only one, as it
 * tells what is wrong with a layer.
 * @throws `STORE_IO`, `DISK_FULL`, `ABORTED`; what fetching layers does
 */
export async function indexedTree(parts: IndexingParts, of: RootOf, step: ForStep): Promise<NodesTree | undefined> {
  const { layers } = of.root;
  const chain = chainIdsOf(layers.map(({ diffId }) => diffId));
  const id = chain.at(-1);
  if (id === undefined || (!isAtHand(parts, of, step) && (await isUnpacked(parts, id)))) return undefined;
  const trees = await parts.layerTrees();
  const open = async (): Promise<NodesTree | undefined> => {
    if (!(await areIndexed(parts, { ...of, chain, id }, step))) return undefined;
    return await unlessInvalid(() => trees.open(layers));
  };
  return (await open()) ?? ((await trees.dropUnusable(layers)) ? await open() : undefined);
}

async function isUnpacked(parts: IndexingParts, id: ChainId): Promise<boolean> {
  const { snapshotter } = await parts.workshop();
  return await snapshotter.has(id);
}

/** Whether indexes tell all that is wanted: then nobody need find out what the machine can mount, nor become root of a namespace. */
function isAtHand({ store, isRunUpon }: IndexingParts, { root, vertex }: RootOf, { contents }: ForStep): boolean {
  return (
    !isRunUpon(vertex) &&
    root.layers.every(
      ({ diffId, descriptor }) => store.layerIndexes.has(diffId) && (!contents || descriptor.digest === diffId),
    )
  );
}

interface Stack extends RootOf {
  readonly chain: readonly ChainId[];
  readonly id: ChainId;
}

/** Makes the indexes that are missing, where that is less work than unpacking. @returns whether all are there */
async function areIndexed(parts: IndexingParts, stack: Stack, { step, context }: ForStep): Promise<boolean> {
  const missing = (): readonly Layer[] =>
    stack.root.layers.filter(({ diffId }) => !parts.store.layerIndexes.has(diffId));
  if (missing().length === 0) return true;
  const { snapshotter, claimUnpacking } = await parts.workshop();
  const unpacked = await countUnpacked(stack.chain, snapshotter);
  if (parts.isRunUpon(stack.vertex) || bytesOf(missing()) > bytesOf(stack.root.layers.slice(unpacked))) return false;
  // Whoever waited for another finds the indexes, or the layers unpacked.
  using _claim = await claimUnpacking(stack.id, { signal: context.signal });
  if (await snapshotter.has(stack.id)) return false;
  const layers = [...new Map(missing().map((layer) => [layer.diffId, layer])).values()];
  await parts.fetchLayers(layers, { step, context });
  const onDone = ({ descriptor: { digest: item, size } }: Layer): void => {
    context.progress({ type: 'transfer', step, item, direction: 'index', current: size, total: size, done: true });
  };
  const made = unlessInvalid(() => makeIndexes(layers, { store: parts.store, onDone, signal: context.signal }));
  return (await made) ?? false;
}

function bytesOf(layers: readonly Layer[]): number {
  return layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
}

/** What is wrong with a layer, unpacking it tells better: who is to blame, the store or the image. */
async function unlessInvalid<T>(act: () => Promise<T> | T): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (isTsbuildError(error, 'LAYER_INVALID') || isTsbuildError(error, 'DIGEST_MISMATCH')) return undefined;
    throw error;
  }
}
