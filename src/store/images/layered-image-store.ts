import type { Descriptor } from '../../oci/descriptor.js';
import type { RawConfig, RawManifest } from '../../oci/image.js';
import type { ManifestMediaType } from '../../oci/media-type.js';
import { familiarName, formatReference, type Reference } from '../../oci/reference.js';
import { TsbuildError } from '../../support/errors.js';
import type { ImageStore, StoredImage } from '../image-store.js';

/** Our own names, and below them those of other stores: one of ours hides theirs. */
export class LayeredImageStore implements ImageStore {
  readonly #own: ImageStore;
  readonly #additional: readonly ImageStore[];

  constructor(own: ImageStore, additional: readonly ImageStore[]) {
    this.#own = own;
    this.#additional = additional;
  }

  async list(): Promise<readonly StoredImage[]> {
    const images = [...(await this.#own.list())];
    const known = new Set(images.map(keyOf));
    for (const store of this.#additional) {
      for (const image of await store.list()) {
        if (known.has(keyOf(image))) continue;
        known.add(keyOf(image));
        images.push(image);
      }
    }
    return images;
  }

  async find(name: Reference): Promise<StoredImage | undefined> {
    for (const store of [this.#own, ...this.#additional]) {
      const image = await store.find(name);
      if (image !== undefined) return image;
    }
    return undefined;
  }

  async put(image: StoredImage): Promise<boolean> {
    return await this.#own.put(image);
  }

  async remove(image: StoredImage): Promise<boolean> {
    if (await this.#own.remove(image)) return true;
    for (const store of this.#additional) {
      const theirs = await store.list();
      if (theirs.some((other) => keyOf(other) === keyOf(image))) throw readOnly(image);
    }
    return false;
  }

  async manifest(descriptor: Descriptor<ManifestMediaType>): Promise<RawManifest> {
    return await this.#own.manifest(descriptor);
  }

  async config(manifest: RawManifest): Promise<RawConfig> {
    return await this.#own.config(manifest);
  }
}

function keyOf({ name, descriptor }: StoredImage): string {
  return name === null ? descriptor.digest : formatReference(name);
}

function readOnly({ name, descriptor }: StoredImage): TsbuildError {
  const shown = name === null ? descriptor.digest : familiarName(name);
  return new TsbuildError('USAGE', `cannot remove image "${shown}": it is in an additional store, which is only read`, {
    hint: 'Whoever keeps that store can remove it there; a name of your own hides it.',
  });
}
