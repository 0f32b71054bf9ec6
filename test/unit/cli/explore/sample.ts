import { changedTree } from '../../../../src/layers/compare/changed-tree.js';
import { wasteOf } from '../../../../src/layers/compare/wasted-files.js';
import { NodesTree } from '../../../../src/layers/index/nodes-tree.js';
import { digestOf } from '../../../../src/oci/digest.js';
import type { ExploredImage } from '../../../../src/cli/explore/explored-image.js';
import { indexedTrees } from '../../../support/indexed-tree.js';
import { tarOf, type Members } from '../../../support/archive-builder.js';

/** An image of layers that have these files; `folder` for their tars. */
export async function explored(layers: readonly Members[], folder: string): Promise<ExploredImage> {
  const tars = await Promise.all(layers.map(async (members) => await tarOf(members)));
  const trees = [new NodesTree([]), ...indexedTrees(tars, folder)];
  const shown = trees.slice(1).map((tree, index) => changedTree(trees[index] ?? tree, tree));
  const waste = wasteOf(trees.slice(1));
  return {
    name: 'image',
    id: digestOf('image'),
    platform: 'linux/amd64',
    layers: tars.map((tar, index) => ({
      diffId: digestOf(tar),
      digest: digestOf(tar),
      size: tar.length,
      createdBy: `RUN /bin/sh -c make ${index}`,
      ...(waste.layers[index] ?? { bytes: 0, wastedBytes: 0, files: 0 }),
    })),
    waste,
    treeOf: (layer) => shown[layer] ?? changedTree(new NodesTree([]), new NodesTree([])),
  };
}
