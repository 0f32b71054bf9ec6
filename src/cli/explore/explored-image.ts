import { changedTree, type MarkedFile } from '../../layers/compare/changed-tree.js';
import { wasteOf, type Waste } from '../../layers/compare/wasted-files.js';
import { NodesTree } from '../../layers/index/nodes-tree.js';
import type { Digest } from '../../oci/digest.js';
import { formatPlatform } from '../../oci/platform.js';
import type { ImageFiles } from '../../toolchain/image-files.js';
import { makersOf } from '../diff/layer-difference.js';

export interface ExploredLayer {
  readonly diffId: Digest;
  readonly digest: Digest;
  /** Bytes of the blob. */
  readonly size: number;
  /** Bytes of its files, and of those that the image does not show. */
  readonly bytes: number;
  readonly wastedBytes: number;
  readonly files: number;
  /** The instruction. */
  readonly createdBy: string;
}

export interface ExploredImage {
  /** As the user called it. */
  readonly name: string;
  readonly id: Digest;
  readonly platform: string;
  /** Bottommost first. */
  readonly layers: readonly ExploredLayer[];
  readonly waste: Waste;
  /** What the image shows after a layer, with the marks of what that layer did. */
  readonly treeOf: (layer: number) => MarkedFile;
}

/** It can be looked at when the files have been disposed of. */
export async function exploreImage(name: string, files: ImageFiles): Promise<ExploredImage> {
  const { manifest, config } = files;
  const trees = await files.trees();
  const waste = wasteOf(trees);
  const makers = makersOf(config.value.history);
  const layers = files.layers.map(({ diffId, descriptor: { digest, size } }, index): ExploredLayer => {
    const counted = waste.layers[index] ?? { bytes: 0, wastedBytes: 0, files: 0 };
    return { diffId, digest, size, ...counted, createdBy: makers[index] ?? '' };
  });
  return {
    name,
    id: manifest.value.config.digest,
    platform: formatPlatform(config.value),
    layers,
    waste,
    treeOf: rememberLast((layer) =>
      changedTree(trees[layer - 1] ?? new NodesTree([]), trees[layer] ?? new NodesTree([])),
    ),
  };
}

/** Trees of large images take tens of megabytes: those of the layers that were looked at last are kept. */
const KEPT = 4;

function rememberLast(make: (layer: number) => MarkedFile): (layer: number) => MarkedFile {
  const kept = new Map<number, MarkedFile>();
  return (layer) => {
    const tree = kept.get(layer) ?? make(layer);
    kept.delete(layer);
    kept.set(layer, tree);
    const [oldest] = kept.keys();
    if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
    return tree;
  };
}
