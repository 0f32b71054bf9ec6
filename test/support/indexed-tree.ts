import { mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { layerNodes } from '../../src/layers/index/layer-nodes.js';
import { LayerContent } from '../../src/layers/index/layer-content.js';
import { NodesTree } from '../../src/layers/index/nodes-tree.js';
import { readLayerIndex } from '../../src/layers/index/read-layer-index.js';
import type { LayerIndex } from '../../src/layers/index/layer-index.js';
import { TarIndexer } from '../../src/layers/index/tar-indexer.js';
import { TarParser } from '../../src/layers/tar/tar-parser.js';
import { digestOf } from '../../src/oci/digest.js';
import type { Layer } from '../../src/oci/layer.js';

/** A tar with its index: cut into small chunks while it is read, as it may come. */
export function indexOf(tar: Buffer, chunkSize = 700): LayerIndex {
  const [indexer, parser] = [new TarIndexer(), new TarParser()];
  for (let at = 0; at < tar.length; at += chunkSize) {
    const chunk = tar.subarray(at, at + chunkSize);
    indexer.chunk(chunk);
    for (const event of parser.push(chunk)) indexer.event(event);
  }
  parser.finish();
  const bytes = indexer.finish(digestOf(tar));
  const index = bytes === undefined ? undefined : readLayerIndex(bytes);
  if (index === undefined) throw new Error('too large for an index');
  return index;
}

/** What layers show, bottommost first, read by their indexes from tars in a folder. */
export function indexedTree(tars: readonly Buffer[], folder: string): NodesTree {
  return indexedTrees(tars, folder).at(-1) ?? new NodesTree([]);
}

/** The same after each of the layers. */
export function indexedTrees(tars: readonly Buffer[], folder: string): readonly NodesTree[] {
  const directory = mkdtempSync(path.join(folder, 'tars-'));
  const trees: NodesTree[] = [];
  let tree = new NodesTree([]);
  for (const [number, tar] of tars.entries()) {
    const file = path.join(directory, `${number}.tar`);
    writeFileSync(file, tar);
    const index = indexOf(tar);
    const descriptor = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: index.diffId, size: tar.length };
    const content = new LayerContent(
      { layer: { descriptor, diffId: index.diffId } as Layer, tarSize: tar.length },
      file,
    );
    tree = tree.with(layerNodes({ index, content, below: tree, number }));
    trees.push(tree);
  }
  return trees;
}
