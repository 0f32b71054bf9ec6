import { mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { erofsShortcoming } from '../../src/layers/erofs/erofs-shortcoming.js';
import { writeErofs } from '../../src/layers/erofs/write-erofs.js';
import type { FileNode } from '../../src/layers/index/file-node.js';
import { layerNodes } from '../../src/layers/index/layer-nodes.js';
import { LayerContent } from '../../src/layers/index/layer-content.js';
import { NodesTree } from '../../src/layers/index/nodes-tree.js';
import { readLayerIndex } from '../../src/layers/index/read-layer-index.js';
import type { LayerIndex } from '../../src/layers/index/layer-index.js';
import { TarIndexer } from '../../src/layers/index/tar-indexer.js';
import { TarParser } from '../../src/layers/tar/tar-parser.js';
import { digestOf } from '../../src/oci/digest.js';
import type { Layer } from '../../src/oci/layer.js';
import type { ByteString } from '../../src/support/byte-string.js';
import { nodesOfErofs } from './erofs-image.js';

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

/** A layer of a stack, and what it adds to those below it. */
export interface IndexedLayer {
  readonly tar: Buffer;
  readonly index: LayerIndex;
  readonly root: FileNode;
  /** What it shows with those below it. */
  readonly tree: NodesTree;
}

/** Layers, bottommost first, by their indexes from tars in a folder. */
export function indexedLayers(tars: readonly Buffer[], folder: string): readonly IndexedLayer[] {
  const directory = mkdtempSync(path.join(folder, 'tars-'));
  let tree = new NodesTree([]);
  return tars.map((tar, number) => {
    const file = path.join(directory, `${number}.tar`);
    writeFileSync(file, tar);
    const index = indexOf(tar);
    const descriptor = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: index.diffId, size: tar.length };
    const content = new LayerContent(
      { layer: { descriptor, diffId: index.diffId } as Layer, tarSize: tar.length },
      file,
    );
    const root = layerNodes({ index, content, below: tree, number });
    tree = tree.with(root);
    return { tar, index, root, tree };
  });
}

/** What layers show, bottommost first, read by their indexes from tars in a folder. */
export function indexedTree(tars: readonly Buffer[], folder: string): NodesTree {
  return indexedTrees(tars, folder).at(-1) ?? new NodesTree([]);
}

/** The same after each of the layers. */
export function indexedTrees(tars: readonly Buffer[], folder: string): readonly NodesTree[] {
  return indexedLayers(tars, folder).map(({ tree }) => tree);
}

const OPAQUE_XATTR = 'trusted.overlay.opaque' as ByteString;

/** An EROFS image of a layer, with its seal. */
export function erofsOf({ tar, index, root }: IndexedLayer, opaqueXattr = OPAQUE_XATTR): Buffer {
  const layer = { diffId: index.diffId, tarSize: tar.length, root };
  return Buffer.concat([...writeErofs(layer, { id: index.diffId, opaqueXattr })]);
}

/** What layers show whose EROFS images are read; those that can have none are read by their indexes. */
export function erofsTree(tars: readonly Buffer[], folder: string): NodesTree {
  const layers = indexedLayers(tars, folder).map((layer) => {
    const { tar, index, root } = layer;
    const shortcoming = erofsShortcoming({ diffId: index.diffId, tarSize: tar.length, root });
    return shortcoming === undefined ? nodesOfErofs(erofsOf(layer), tar) : root;
  });
  return new NodesTree(layers.reverse());
}
