import { availableParallelism } from 'node:os';
import type { Layer } from '../../oci/layer.js';
import { invariant } from '../../support/invariant.js';
import { createContentDigester } from '../compression/content-digester.js';
import { erofsShortcoming } from '../erofs/erofs-shortcoming.js';
import { ContentElsewhereError } from '../index/content-elsewhere.js';
import type { FileNode } from '../index/file-node.js';
import { LayerContent } from '../index/layer-content.js';
import { layerNodes } from '../index/layer-nodes.js';
import type { ImageSnapshots, Snapshotter } from '../snapshotter.js';
import { bringTar, type BroughtTar, type TarBringing } from './bring-tar.js';
import type { StackedLayer } from './unpack-apart.js';

export interface MountLayersOptions extends Pick<TarBringing, 'blobs' | 'indexes'> {
  /** As of `ensureSnapshot`. */
  readonly arrived?: ((layer: Layer) => Promise<void>) | undefined;
  readonly images: ImageSnapshots;
  readonly snapshotter: Pick<Snapshotter, 'tree'>;
  /** For a layer that cannot be mounted from its tar. */
  readonly unpack: (stacked: StackedLayer) => Promise<void>;
  /** Told of each such layer, and why that is: for people to read after "as". */
  readonly onUnmountable?: ((layer: Layer, reason: string) => void) | undefined;
  readonly onBytes?: ((layer: Layer, count: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes snapshots of layers that lie one upon another, to be mounted from their tars. What is compressed is inflated in threads,
 * several at once; what a layer means hangs on those below it, so that the images are made from the bottom up.
 * @throws the first failure. What failed, and all above it, leaves nothing
 */
export async function mountLayers(stack: readonly StackedLayer[], options: MountLayersOptions): Promise<void> {
  const failed = new AbortController();
  const signal = options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal]);
  await using digester = createContentDigester({ threads: availableParallelism() });
  const { onBytes = () => undefined, arrived, images, ...rest } = options;
  const bringing = { ...rest, tars: images.tars, digester, onBytes, signal };
  const bring = async (layer: Layer): Promise<BroughtTar | undefined> => {
    await arrived?.(layer);
    return await bringTar(layer, bringing);
  };
  const tars = new Map<string, Promise<BroughtTar | undefined>>();
  for (const { layer } of stack) tars.set(layer.diffId, tars.get(layer.diffId) ?? bring(layer));
  // Whoever comes to it gets the failure.
  for (const tar of tars.values()) tar.catch(() => undefined);
  try {
    for (const stacked of stack) {
      const brought = await tars.get(stacked.layer.diffId);
      signal.throwIfAborted();
      await commitLayer(stacked, brought, options);
    }
  } finally {
    failed.abort();
    await Promise.allSettled(tars.values());
  }
}

/** As an image where that can be, else as files. */
async function commitLayer(
  stacked: StackedLayer,
  brought: BroughtTar | undefined,
  options: MountLayersOptions,
): Promise<void> {
  const { images, unpack, onUnmountable } = options;
  const { layer, id, parent } = stacked;
  const { diffId } = layer;
  const made = await tryNodes(stacked, brought, options);
  if ('root' in made) {
    const { root, tarSize } = made;
    const shortcoming = erofsShortcoming({ diffId, tarSize, root });
    if (shortcoming === undefined) {
      await images.commit(id, { parent, diffId, tarSize, root });
      return;
    }
    onUnmountable?.(layer, shortcoming);
  } else onUnmountable?.(layer, made.shortcoming);
  await unpack(stacked);
  if (brought?.isNew === true) await images.tars.remove(diffId);
}

type Made = { readonly root: FileNode; readonly tarSize: number } | { readonly shortcoming: string };

async function tryNodes(
  { layer, parent }: StackedLayer,
  brought: BroughtTar | undefined,
  { images, snapshotter }: MountLayersOptions,
): Promise<Made> {
  if (brought === undefined) return { shortcoming: 'it has too many files, or is no tar' };
  const { index } = brought;
  const { tarSize } = index;
  const tar = images.tars.find(layer.diffId, tarSize);
  invariant(tar !== undefined, 'a tar that was brought is there');
  const below = await snapshotter.tree(parent);
  const content = new LayerContent({ layer, tarSize }, tar);
  try {
    return { root: layerNodes({ index, content, below, number: 0 }), tarSize };
  } catch (error) {
    if (!(error instanceof ContentElsewhereError)) throw error;
    return { shortcoming: 'it has hard links to files of layers below, or too many directories' };
  }
}
