import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../../oci/digest.js';
import { chainIdsOf, type ChainId, type Layer } from '../../oci/layer.js';
import { layout } from '../../store/layout.js';
import type { Store } from '../../store/store.js';
import type { ByteString } from '../../support/byte-string.js';
import { ContentElsewhereError } from './content-elsewhere.js';
import { copyContents, storedSize } from './copy-contents.js';
import { LayerContent } from './layer-content.js';
import type { IndexedFile, LayerIndex } from './layer-index.js';
import { layerNodes } from './layer-nodes.js';
import { NodesTree } from './nodes-tree.js';
import { readLayerIndex } from './read-layer-index.js';

export interface LayerTreesOptions {
  readonly store: Pick<Store, 'root' | 'blobs' | 'layerIndexes'>;
  /** Absolute; for contents out of compressed layers. */
  readonly temporaryDirectory: string;
}

export interface BringOptions {
  /** Brings layers into the store that are elsewhere. */
  readonly fetch: (layers: readonly Layer[]) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Bytes. To unpack more than that is the better way: it is done once. */
const MAX_COPIED = 256 << 20;
/** As one layer's index: each entry takes some 400 bytes of memory. */
const MAX_ENTRIES = 1_000_000;

/** Trees of stacks of layers by their indexes; what stacks have in common is read once. */
export class LayerTrees {
  readonly #options: LayerTreesOptions;
  readonly #trees = new Map<ChainId, NodesTree>();
  #entries = 0;
  #copies = 0;
  /** Of copied contents; it goes with the temporary directory. */
  #copiesFolder: string | undefined;

  constructor(options: LayerTreesOptions) {
    this.#options = options;
  }

  /**
   * @param layers bottommost first
   * @returns `undefined` when one of them has no index, or they have too many entries to be held in memory
   * @throws `LAYER_INVALID` for what cannot be unpacked either
   */
  open(layers: readonly Layer[]): NodesTree | undefined {
    const chain = chainIdsOf(layers.map(({ diffId }) => diffId));
    let tree = new NodesTree([]);
    for (const [number, layer] of layers.entries()) {
      const id = chain[number];
      if (id === undefined) return undefined;
      const known = this.#trees.get(id) ?? this.#add(layer, { below: tree, number });
      if (known === undefined) return undefined;
      this.#trees.set(id, known);
      tree = known;
    }
    return tree;
  }

  /** Removes the indexes that are damaged, or another version's. @returns whether there were any: they may be made again */
  async dropUnusable(layers: readonly Layer[]): Promise<boolean> {
    const { layerIndexes } = this.#options.store;
    const unusable = layers.filter(({ diffId }) => layerIndexes.has(diffId) && this.#load(diffId) === undefined);
    for (const { diffId } of unusable) await layerIndexes.delete(diffId);
    return unusable.length > 0;
  }

  /**
   * Sees that `read` gives the contents of files, inflating each layer that has some of them once.
   * @throws `ContentElsewhereError` when that is more than unpacking is worth
   */
  async bring(tree: NodesTree, paths: Iterable<ByteString>, options: BringOptions): Promise<void> {
    const wanted = new Map<LayerContent, Map<number, IndexedFile>>();
    let bytes = 0;
    for (const path of paths) {
      const look = tree.find(path)?.look;
      if (look === undefined || 'entry' in look || look.content.isAtHand(look.file)) continue;
      const files = wanted.get(look.content) ?? new Map<number, IndexedFile>();
      wanted.set(look.content, files.set(look.file.offset, look.file));
      bytes += storedSize(look.file);
      if (bytes > MAX_COPIED) throw new ContentElsewhereError();
    }
    if (wanted.size === 0) return;
    await options.fetch([...wanted.keys()].map(({ layer }) => layer));
    for (const [content, files] of wanted) {
      const file = join(this.#folder(), String(++this.#copies));
      const { blobs } = this.#options.store;
      await copyContents(content, [...files.values()], { blobs, file, signal: options.signal });
    }
  }

  #add(layer: Layer, place: { readonly below: NodesTree; readonly number: number }): NodesTree | undefined {
    const { store } = this.#options;
    const index = this.#load(layer.diffId);
    if (index === undefined) return undefined;
    this.#entries += index.count;
    if (this.#entries > MAX_ENTRIES) return undefined;
    // What is built here is not compressed: its digest is its diffId.
    const { digest } = layer.descriptor;
    const content = new LayerContent(layer, digest === layer.diffId ? layout.blob(store.root, digest) : undefined);
    return place.below.with(layerNodes({ index, content, ...place }));
  }

  #folder(): string {
    this.#copiesFolder ??= mkdtempSync(join(this.#options.temporaryDirectory, 'contents-'));
    return this.#copiesFolder;
  }

  #load(diffId: Digest): LayerIndex | undefined {
    const bytes = this.#options.store.layerIndexes.load(diffId);
    const index = bytes === undefined ? undefined : readLayerIndex(bytes);
    return index?.diffId === diffId ? index : undefined;
  }
}
