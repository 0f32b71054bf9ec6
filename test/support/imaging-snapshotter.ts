import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { ActiveSnapshot, ImageSnapshots, Snapshotter } from '../../src/layers/snapshotter.js';
import { writeTar } from '../../src/layers/tar/write-tar.js';
import { mountLayers } from '../../src/layers/unpack/mount-layers.js';
import { digestOf } from '../../src/oci/digest.js';
import type { ChainId, Layer } from '../../src/oci/layer.js';
import { MEDIA_TYPE } from '../../src/oci/media-type.js';
import { LayerIndexes } from '../../src/store/records/layer-indexes.js';
import { layout } from '../../src/store/layout.js';
import { collectBytes, inChunks } from './byte-source.js';

/** A snapshotter whose committed snapshots are images wherever that can be: of layers that were applied, or of what changed. */
export function imagingSnapshotter(inner: Snapshotter, root: string): Snapshotter {
  const { images } = inner;
  if (images === undefined) throw new Error('a snapshotter of images');
  return {
    name: inner.name,
    has: (id) => inner.has(id),
    view: (id) => inner.view(id),
    tree: (id) => inner.tree(id),
    remove: (id) => inner.remove(id),
    list: () => inner.list(),
    listTorn: () => inner.listTorn(),
    settle: () => inner.settle(),
    prepare: async (parent) => new ImagingSnapshot(await inner.prepare(parent), { inner, images, root, parent }),
  };
}

interface Setting {
  readonly inner: Snapshotter;
  readonly images: ImageSnapshots;
  readonly root: string;
  readonly parent: ChainId | null;
}

/** Every other layer is compressed, and so inflated. */
let count = 0;

class ImagingSnapshot implements ActiveSnapshot {
  readonly root: ActiveSnapshot['root'];
  readonly parentTree: ActiveSnapshot['parentTree'];
  readonly #active: ActiveSnapshot;
  readonly #setting: Setting;
  readonly #applied: Buffer[] = [];

  constructor(active: ActiveSnapshot, setting: Setting) {
    this.root = active.root;
    this.parentTree = active.parentTree;
    this.#active = active;
    this.#setting = setting;
  }

  async apply(tar: AsyncIterable<Uint8Array>, options?: Parameters<ActiveSnapshot['apply']>[1]): Promise<void> {
    const bytes = await collectBytes(tar);
    await this.#active.apply(inChunks(bytes), options);
    this.#applied.push(bytes);
  }

  changes(): ReturnType<ActiveSnapshot['changes']> {
    return this.#active.changes();
  }

  async commit(id: ChainId): Promise<void> {
    const { inner, images, root, parent } = this.#setting;
    if (this.#applied.length > 1) {
      await this.#active.commit(id);
      return;
    }
    const tar = this.#applied[0] ?? (await collectBytes(writeTar(this.#active.changes())));
    const stored = ++count % 2 === 0 ? gzipSync(tar) : tar;
    const layer: Layer = {
      descriptor: { mediaType: MEDIA_TYPE.ociLayer, digest: digestOf(stored), size: stored.length },
      diffId: digestOf(tar),
    };
    const blob = layout.blob(root, layer.descriptor.digest);
    mkdirSync(path.dirname(blob), { recursive: true });
    writeFileSync(blob, stored);
    const blobs = { open: () => Promise.resolve(Readable.from([stored])) };
    const unpack = (): Promise<void> => this.#active.commit(id);
    await mountLayers([{ layer, id, parent }], {
      ...{ images, snapshotter: inner, blobs, indexes: new LayerIndexes(root), unpack },
    });
    await this.#active[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#active[Symbol.asyncDispose]();
  }
}
