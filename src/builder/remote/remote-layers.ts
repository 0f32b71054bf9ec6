import type { Digest } from '../../oci/digest.js';
import type { Layer } from '../../oci/layer.js';
import type { BlobPlace } from '../../registry/blob-place.js';
import type { RemoteBlob } from '../../registry/remote-blobs.js';
import type { StepId } from '../progress.js';
import type { OperationContext } from '../solver/operation-handler.js';

/** For whom layers are fetched. */
export interface Fetching {
  readonly step: StepId;
  readonly context: OperationContext;
  /** Told of each layer that is here, some while others are still on their way. Who is told of none may use them when all are. */
  readonly onFetched?: ((layer: Layer) => void) | undefined;
}

/** Who knows of layers that they can be had: a base image, an imported cache. */
export interface LayerOwner {
  readonly place: BlobPlace;
  /** Whether something has to be done before the layer is used. */
  lacks(layer: Layer): Promise<boolean>;
  /** Brings layers of its own into the store, all that it lacks, and may tell of each. @throws `StaleResultError` when they are not what was promised */
  bring(layers: readonly Layer[], fetching: Fetching): Promise<void>;
}

/** The layers of results that need not be in the store: they are fetched when files of them are needed, or never. */
export class RemoteLayers {
  readonly #owners = new Map<Digest, LayerOwner>();

  add(layers: readonly Layer[], owner: LayerOwner): void {
    for (const { descriptor } of layers) {
      if (!this.#owners.has(descriptor.digest)) this.#owners.set(descriptor.digest, owner);
    }
  }

  /** What was promised of an owner's layers is not to be relied on any more. */
  forget(owner: LayerOwner): void {
    for (const [digest, known] of this.#owners) if (known === owner) this.#owners.delete(digest);
  }

  async lacks(layers: readonly Layer[]): Promise<boolean> {
    return (await this.#lacking(layers)).size > 0;
  }

  /** Brings those here that are not. */
  async fetch(layers: readonly Layer[], fetching: Fetching): Promise<void> {
    const lacking = await this.#lacking(layers);
    const missing = new Set([...lacking.values()].flat());
    for (const layer of layers) if (!missing.has(layer)) fetching.onFetched?.(layer);
    await Promise.all([...lacking].map(async ([owner, wanted]) => owner.bring(wanted, fetching)));
  }

  /** Where those are that the store lacks. */
  async elsewhere(layers: readonly Layer[]): Promise<readonly RemoteBlob[]> {
    const lacking = await this.#lacking(layers);
    return [...lacking].flatMap(([{ place }, wanted]) =>
      wanted.map(({ descriptor }): RemoteBlob => ({ descriptor, place })),
    );
  }

  async #lacking(layers: readonly Layer[]): Promise<ReadonlyMap<LayerOwner, readonly Layer[]>> {
    const lacking = new Map<LayerOwner, Layer[]>();
    for (const layer of layers) {
      const owner = this.#owners.get(layer.descriptor.digest);
      if (owner === undefined || !(await owner.lacks(layer))) continue;
      const wanted = lacking.get(owner);
      if (wanted === undefined) lacking.set(owner, [layer]);
      else wanted.push(layer);
    }
    return lacking;
  }
}
