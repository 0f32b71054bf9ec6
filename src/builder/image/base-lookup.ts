import type { BuildRequest } from '../build-request.js';
import { decodeIndex, layersOf } from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';
import type { ManifestDescriptor } from '../../oci/image.js';
import { isManifestMediaType, type ManifestMediaType } from '../../oci/media-type.js';
import { formatPlatform, normalizePlatform, platformSatisfies, type Platform } from '../../oci/platform.js';
import { selectPlatform } from '../../oci/select-platform.js';
import { formatReference, type Reference } from '../../oci/reference.js';
import type { RegistryClient } from '../../registry/registry-client.js';
import type { StoredImage } from '../../store/image-store.js';
import type { Store } from '../../store/store.js';
import { encodeError, isTsbuildError, TsbuildError } from '../../support/errors.js';
import type { SourceLock } from '../lock/source-lock.js';
import type { LayoutImage } from '../plan/layout-image.js';
import type { ProgressSink } from '../progress.js';
import type { KnownBase } from './known-base.js';

export interface BaseLookupParts {
  readonly store: Pick<Store, 'blobs' | 'images'>;
  /** Made when a registry has to be asked. */
  readonly registry: () => Promise<RegistryClient>;
  readonly pull: BuildRequest['pull'];
  /** What is pinned of them; absent: nothing. */
  readonly lock?: SourceLock | undefined;
  /** Whether what is looked up is told with its platform. */
  readonly showsPlatforms?: boolean | undefined;
  readonly progress: ProgressSink;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** Finds the images that builds begin with: in the store, else in a registry, of which only manifest and config are fetched; or in a layout. */
export class BaseLookup {
  readonly #parts: BaseLookupParts;
  readonly #asked = new Map<string, Promise<KnownBase>>();

  constructor(parts: BaseLookupParts) {
    this.#parts = parts;
  }

  /** Once, for all builds that ask. @throws `IMAGE_NOT_FOUND`, `PLATFORM_NOT_FOUND` and what the registry throws */
  find(reference: Reference, platform: Platform): Promise<KnownBase> {
    const key = `${formatPlatform(platform)} ${formatReference(reference)}`;
    const found = this.#asked.get(key) ?? this.#locked(reference, platform);
    this.#asked.set(key, found);
    return found;
  }

  async #locked(reference: Reference, platform: Platform): Promise<KnownBase> {
    const { lock } = this.#parts;
    if (lock === undefined) return await this.#lookUp(reference, platform, this.#asks);
    const pinned = lock.image(reference, platform);
    const { registry, repository } = reference;
    const resolve = (): Promise<KnownBase> =>
      pinned === undefined
        ? this.#lookUp(reference, platform, this.#asks || lock.mode === 'refresh')
        : this.#lookUp({ registry, repository, digest: pinned }, platform, false);
    return await lock.resolveImage({ reference, platform }, { pinned, resolve });
  }

  /** Whether the registry is asked even when the store has an image of that name. */
  get #asks(): boolean {
    return this.#parts.pull === true || this.#parts.pull === 'newer';
  }

  async #lookUp(reference: Reference, platform: Platform, asks: boolean): Promise<KnownBase> {
    const stored = await this.#inStore(reference, platform, asks);
    if (stored !== undefined) return stored;
    const { pull, progress } = this.#parts;
    if (pull === 'never') throw notInStore(reference, platform);
    try {
      return await this.#inRegistry(reference, platform);
    } catch (error) {
      if (pull !== 'newer' || !isTsbuildError(error, 'REGISTRY_UNREACHABLE')) throw error;
      const older = await this.#inStore(reference, platform, false);
      if (older === undefined) throw error;
      const message = `used ${formatReference(reference)} of the store, which may be old: ${error.message}`;
      progress({ type: 'warning', message });
      return older;
    }
  }

  /** Its manifest stands for it: a layout has no name that another could find it by. */
  async findInLayout(image: LayoutImage, platform: Platform): Promise<KnownBase> {
    const { fetchBase } = await import('./fetch-base.js');
    const { createLayoutSource } = await import('../../registry/layout-source.js');
    const layout = createLayoutSource(image.directory);
    const { digest } = await layout.resolve(image.digest === undefined ? { tag: image.tag } : { digest: image.digest });
    const reference = { registry: 'localhost', repository: 'layout', digest };
    const known = await fetchBase({ source: layout, reference, platform }, this.#parts);
    return { ...known, layout, layoutDirectory: image.directory };
  }

  async #inStore(reference: Reference, platform: Platform, pull: boolean): Promise<KnownBase | undefined> {
    const { images } = this.#parts.store;
    if (pull && this.#asks) return undefined;
    const found = await images.find(reference);
    // Of an image that was built here no registry knows what it is now.
    if (found === undefined || (pull && found.resolved !== undefined)) return undefined;
    const known = await this.#read(reference, found);
    if (known !== undefined && isFor(known, platform)) return known;
    for (const other of await this.#variants(found, platform)) {
      const variant = await this.#read(reference, other);
      if (variant !== undefined && isFor(variant, platform)) return variant;
    }
    return undefined;
  }

  /** Images for other platforms that the name stands for as well: of its index, or resolved from the same one. */
  async #variants(found: StoredImage, platform: Platform): Promise<readonly StoredImage[]> {
    const { blobs, images } = this.#parts.store;
    const { index, resolved } = found;
    if (index !== undefined && (await blobs.has(index.digest))) {
      const chosen = selectPlatform(decodeIndex(await blobs.read(index), index).value, platform);
      if (chosen !== undefined && isManifestDescriptor(chosen)) return [{ ...found, descriptor: chosen }];
    }
    if (resolved === undefined) return [];
    return (await images.list()).filter((image) => image.resolved === resolved);
  }

  /** `undefined` when the store has lost a document of the image: it is fetched again. */
  async #read(reference: Reference, image: StoredImage): Promise<KnownBase | undefined> {
    const { images } = this.#parts.store;
    try {
      const manifest = await images.manifest(image.descriptor);
      const config = await images.config(manifest);
      const resolved = image.resolved ?? image.descriptor.digest;
      return { reference, resolved, manifest, config, layers: layersOf(manifest, config) };
    } catch (error) {
      if (isTsbuildError(error, 'STORE_IO') || isTsbuildError(error, 'DIGEST_MISMATCH')) return undefined;
      throw error;
    }
  }

  async #inRegistry(reference: Reference, platform: Platform): Promise<KnownBase> {
    const { progress, now, showsPlatforms } = this.#parts;
    const step = `metadata ${formatReference(reference)} ${formatPlatform(platform)}`;
    const shown = showsPlatforms === true ? `${formatPlatform(platform)} ` : '';
    progress({
      type: 'step-planned',
      step,
      label: `[${shown}internal] load metadata for ${formatReference(reference)}`,
    });
    progress({ type: 'step-started', step, at: now() });
    try {
      const known = await this.#fetch(reference, platform);
      progress({ type: 'step-done', step, at: now() });
      return known;
    } catch (error) {
      const isFailure = isTsbuildError(error) && error.code !== 'ABORTED';
      if (isFailure) progress({ type: 'step-failed', step, at: now(), error: encodeError(error) });
      throw error;
    }
  }

  async #fetch(reference: Reference, platform: Platform): Promise<KnownBase> {
    const source = (await this.#parts.registry()).repository(reference);
    const { fetchBase } = await import('./fetch-base.js');
    return await fetchBase({ source, reference, platform }, this.#parts);
  }
}

function notInStore(reference: Reference, platform: Platform): TsbuildError {
  const name = formatReference(reference);
  return new TsbuildError(
    'IMAGE_NOT_FOUND',
    `cannot use image "${name}": the store has none for ${formatPlatform(platform)}`,
    {
      hint: 'Pull or load it first, or build without --pull=never.',
    },
  );
}

/** One of an index has to be the very one that the index has for the platform; an image by itself may be for an older variant. */
function isFor({ manifest, resolved, config: { value } }: KnownBase, wanted: Platform): boolean {
  if (samePlatform(value, wanted)) return true;
  return resolved === manifest.descriptor.digest && platformSatisfies(value, wanted);
}

export function samePlatform(left: Platform, right: Platform): boolean {
  return formatPlatform(normalizePlatform(left)) === formatPlatform(normalizePlatform(right));
}

function isManifestDescriptor(descriptor: ManifestDescriptor): descriptor is Descriptor<ManifestMediaType> {
  return isManifestMediaType(descriptor.mediaType);
}
