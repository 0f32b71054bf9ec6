import type { Digest } from '../../oci/digest.js';
import type { Layer } from '../../oci/layer.js';
import { BlobArrivals } from './blob-arrivals.js';

/** Layers that are being fetched, each to be used as soon as it is here. Disposing of it waits until no more comes. */
export class ArrivingLayers implements AsyncDisposable {
  readonly #arrivals = new BlobArrivals();
  readonly #all: Promise<void>;

  /** @param fetch begins at once, and calls back with each layer that is here */
  constructor(fetch: (onFetched: (layer: Layer) => void) => Promise<void>) {
    this.#all = fetch(({ descriptor }) => {
      this.#arrivals.arrive(descriptor.digest);
    });
    // Whoever waits for a layer gets the failure.
    this.#all.catch(() => undefined);
  }

  /** Settles when the layer is in the store. @throws what fetching any of them failed with before that */
  async arrived({ descriptor }: Layer): Promise<void> {
    await Promise.race([this.#one(descriptor.digest), this.#all]);
  }

  /** Settles when all is done. @throws what that failed with */
  async all(): Promise<void> {
    await this.#all;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([this.#all]);
  }

  #one(digest: Digest): Promise<void> {
    return new Promise((resolve) => {
      this.#arrivals.when(digest, resolve);
    });
  }
}
