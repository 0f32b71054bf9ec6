import { mkdtempSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../oci/digest.js';
import { chainIdsOf, type ChainId, type Layer } from '../../oci/layer.js';
import { layout } from '../../store/layout.js';
import { onStore } from '../../store/store-error.js';
import type { Store } from '../../store/store.js';
import { writeFully } from '../../support/atomic-file.js';
import { abortable } from '../../support/byte-streams.js';
import type { ByteString } from '../../support/byte-string.js';
import { decompress } from '../compression/decompress.js';
import { ContentElsewhereError } from './content-elsewhere.js';
import { LayerContent } from './layer-content.js';
import type { LayerIndex } from './layer-index.js';
import { layerNodes } from './layer-nodes.js';
import { NodesTree } from './nodes-tree.js';
import { loadLayerIndex } from './read-layer-index.js';

export interface LayerTreesOptions {
  readonly store: Pick<Store, 'root' | 'blobs' | 'layerIndexes'>;
  /** Absolute; for tars of compressed layers. */
  readonly temporaryDirectory: string;
}

export interface BringOptions {
  /** Brings layers into the store that are elsewhere. */
  readonly fetch: (layers: readonly Layer[]) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Bytes of tars, in one build. To unpack more than that is the better way: it is there for the next build as well. */
const MAX_INFLATED = 1 << 30;
/** As one layer's index: each entry takes some 400 bytes of memory. */
const MAX_ENTRIES = 1_000_000;

/** Trees of stacks of layers by their indexes; what stacks have in common is read once. */
export class LayerTrees {
  readonly #options: LayerTreesOptions;
  readonly #trees = new Map<ChainId, NodesTree>();
  #entries = 0;
  /** Of each layer, in however many trees it is. */
  readonly #contents = new Map<Digest, LayerContent>();
  readonly #inflating = new Map<LayerContent, Promise<void>>();
  #tars = 0;
  /** Bytes of tars that were inflated. */
  #inflated = 0;
  /** Of tars; it goes with the temporary directory. */
  #inflatedFolder: string | undefined;

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
   * Sees that `read` gives the contents of files: the layers that have them and are compressed are inflated, each once in a build,
   * into files that go with the temporary directory.
   * @throws `ContentElsewhereError` when that is more than unpacking is worth
   */
  async bring(tree: NodesTree, paths: Iterable<ByteString>, options: BringOptions): Promise<void> {
    const wanted = new Set<LayerContent>();
    for (const path of paths) {
      const look = tree.find(path)?.look;
      if (look !== undefined && 'file' in look && !look.content.isAtHand(look.file)) wanted.add(look.content);
    }
    const begun = [...wanted].filter((content) => !this.#inflating.has(content));
    const size = begun.reduce((sum, { tarSize }) => sum + tarSize, this.#inflated);
    if (size > MAX_INFLATED) throw new ContentElsewhereError();
    this.#inflated = size;
    for (const content of begun) {
      const inflating = this.#inflate(content, options).catch((error: unknown) => {
        this.#inflating.delete(content);
        throw error;
      });
      this.#inflating.set(content, inflating);
    }
    const inflated = async (content: LayerContent): Promise<void> => {
      await this.#inflating.get(content);
    };
    await Promise.all([...wanted].map(inflated));
  }

  async #inflate(content: LayerContent, { fetch, signal }: BringOptions): Promise<void> {
    const { root, blobs } = this.#options.store;
    await fetch([content.layer]);
    const path = join(this.#folder(), String(++this.#tars));
    await onStore('read a layer', root, async () => {
      await using file = await open(path, 'wx', 0o600);
      const blob = await blobs.open(content.layer.descriptor);
      // To its end, where its digest is checked.
      for await (const chunk of decompress(abortable(blob, 'read a layer', signal))) await writeFully(file, chunk);
    });
    content.inflated(path);
  }

  #add(layer: Layer, place: { readonly below: NodesTree; readonly number: number }): NodesTree | undefined {
    const { store } = this.#options;
    const index = this.#load(layer.diffId);
    if (index === undefined) return undefined;
    this.#entries += index.count;
    if (this.#entries > MAX_ENTRIES) return undefined;
    const content = this.#contents.get(layer.diffId) ?? contentOf(layer, { index, root: store.root });
    this.#contents.set(layer.diffId, content);
    return place.below.with(layerNodes({ index, content, ...place }));
  }

  #folder(): string {
    this.#inflatedFolder ??= mkdtempSync(join(this.#options.temporaryDirectory, 'tars-'));
    return this.#inflatedFolder;
  }

  #load(diffId: Digest): LayerIndex | undefined {
    return loadLayerIndex(this.#options.store.layerIndexes, diffId);
  }
}

/** What is built here is not compressed: its digest is its diffId. */
function contentOf(layer: Layer, { index, root }: { readonly index: LayerIndex; readonly root: string }): LayerContent {
  const { digest } = layer.descriptor;
  const tar = digest === layer.diffId ? layout.blob(root, digest) : undefined;
  return new LayerContent({ layer, tarSize: index.tarSize }, tar);
}
