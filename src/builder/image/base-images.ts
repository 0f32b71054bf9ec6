import type { Digest } from '../../oci/digest.js';
import { hostPlatform, type Platform } from '../../oci/platform.js';
import { formatReference, parseReference, withDefaultTag } from '../../oci/reference.js';
import { invariant } from '../../support/invariant.js';
import { isTsbuildError, TsbuildError } from '../../support/errors.js';
import type { SourceRange } from '../../support/source-range.js';
import type { ImageOperation } from '../operation.js';
import { allowedImage } from '../policy/allowed-image.js';
import type { SourcePolicy } from '../policy/policy-rules.js';
import type { ResolvedBase } from '../plan.js';
import type { LayoutImage } from '../plan/layout-image.js';
import type { ProgressSink, StepId } from '../progress.js';
import { BlobArrivals } from '../remote/blob-arrivals.js';
import type { LayerOwner, RemoteLayers } from '../remote/remote-layers.js';
import type { OperationContext, Present } from '../solver/operation-handler.js';
import { BaseLookup, samePlatform, type BaseLookupParts } from './base-lookup.js';
import type { KnownBase } from './known-base.js';
import { imageFileSystem, type FileSystemResult } from '../operations/result.js';

export interface BaseImagesParts extends BaseLookupParts {
  /** What may be taken, and what in its place; absent: everything. */
  readonly policies?: readonly SourcePolicy[] | undefined;
}

interface BasePull {
  readonly context: OperationContext;
  readonly arrivals: BlobArrivals;
}

/**
 * The base images of one build, or of several that are done together: looked up by name in the store, else in the registry, where first only manifest and config
 * are fetched; the layers follow when a step takes the image.
 */
export class BaseImages {
  readonly #parts: BaseImagesParts;
  readonly #lookup: BaseLookup;
  /** By manifest digest. */
  readonly #known = new Map<Digest, KnownBase>();
  /** Likewise: of those that are not here. */
  readonly #owners = new Map<Digest, LayerOwner>();
  /** Steps that nothing has needed so far. */
  readonly #deferred = new Set<StepId>();

  constructor(parts: BaseImagesParts) {
    this.#parts = parts;
    this.#lookup = new BaseLookup(parts);
  }

  /** @throws `IMAGE_NOT_FOUND`, `PLATFORM_NOT_FOUND` and what the registry throws, each with the FROM line */
  async resolve(name: string | LayoutImage, platform: Platform, source: SourceRange): Promise<ResolvedBase> {
    try {
      if (typeof name !== 'string') {
        return this.#remember(await this.#lookup.findInLayout(name, platform), layoutName(name));
      }
      const reference = await allowedImage(withDefaultTag(parseReference(name)), this.#parts);
      return this.#remember(await this.#lookup.find(reference, platform), formatReference(reference));
    } catch (error) {
      throw located(error, source);
    }
  }

  #remember(known: KnownBase, reference: string): ResolvedBase {
    const { digest: manifest } = known.manifest.descriptor;
    this.#known.set(manifest, known);
    return { reference, manifest, config: known.config.value };
  }

  /** The image's layers. Those that are not here come when they are needed; then that is what the step does. */
  async present(
    operation: ImageOperation,
    { step, remote }: { readonly step: StepId; readonly remote: RemoteLayers },
  ): Promise<Present<FileSystemResult>> {
    const base = this.#base(operation);
    const result = imageFileSystem(base.layers);
    if (await this.#isHere(base)) return { result, deferred: false };
    const owner = this.#owners.get(operation.manifest) ?? this.#owner(base, operation, step);
    this.#owners.set(operation.manifest, owner);
    this.#deferred.add(step);
    remote.add(result.layers, owner);
    return { result, deferred: true };
  }

  /** To be called when all is done. @returns the steps that turned out to need nothing */
  settle(progress: ProgressSink): readonly StepId[] {
    for (const step of this.#deferred) progress({ type: 'step-cached', step, at: this.#parts.now() });
    return [...this.#deferred];
  }

  /** Whether the image was looked up here. */
  knows({ manifest }: ImageOperation): boolean {
    return this.#known.has(manifest);
  }

  /** Bytes, as they are sent, and whether the store has it. */
  async layersOf(operation: ImageOperation): Promise<readonly { readonly size: number; readonly isHere: boolean }[]> {
    const { layers } = this.#base(operation).manifest.value;
    return await Promise.all(
      layers.map(async ({ digest, size }) => ({ size, isHere: await this.#parts.store.blobs.has(digest) })),
    );
  }

  async #isHere({ manifest: { descriptor, value } }: KnownBase): Promise<boolean> {
    for (const { digest } of [descriptor, value.config, ...value.layers]) {
      if (!(await this.#parts.store.blobs.has(digest))) return false;
    }
    return true;
  }

  /** What asks for one layer gets all: a base image is wanted whole. */
  #owner(base: KnownBase, operation: ImageOperation, step: StepId): LayerOwner {
    const { registry, repository } = base.reference;
    const { layoutDirectory } = base;
    const arrivals = new BlobArrivals();
    let pulling: Promise<void> | undefined;
    return {
      place:
        layoutDirectory === undefined
          ? { kind: 'repository', repository: { registry, repository } }
          : { kind: 'layout', directory: layoutDirectory },
      lacks: async ({ descriptor }) => !(await this.#parts.store.blobs.has(descriptor.digest)),
      bring: async (layers, { context, onFetched = () => undefined }) => {
        pulling ??= this.#pullStep(operation, step, { context, arrivals });
        for (const layer of layers) {
          arrivals.when(layer.descriptor.digest, () => {
            onFetched(layer);
          });
        }
        await pulling;
      },
    };
  }

  async #pullStep(operation: ImageOperation, step: StepId, pull: BasePull): Promise<void> {
    const { now } = this.#parts;
    const { context } = pull;
    this.#deferred.delete(step);
    context.progress({ type: 'step-started', step, at: now() });
    await this.#pull(operation, step, pull);
    context.progress({ type: 'step-done', step, at: now() });
  }

  /** Fetches what of the image is missing and gives it its name. */
  async #pull(operation: ImageOperation, step: StepId, { context, arrivals }: BasePull): Promise<void> {
    const base = this.#base(operation);
    const { pullImage } = await import('../../registry/pull-image.js');
    const { registry, repository, tag } = base.reference;
    const { layout } = base;
    const { image } = await pullImage({
      reference: { registry, repository, digest: base.resolved },
      platform: operation.platform,
      client: layout === undefined ? await this.#parts.registry() : { repository: () => layout },
      store: this.#parts.store,
      name: false,
      signal: context.signal,
      onBlob: ({ descriptor, current, done }) => {
        const { digest: item, size: total } = descriptor;
        context.progress({ type: 'transfer', step, item, direction: 'pull', current, total, done });
        if (done) arrivals.arrive(item);
      },
    });
    const isNamed = tag !== undefined && base.reference.digest === undefined && (await this.#mayName(base));
    const name = isNamed ? { registry, repository, tag } : null;
    await this.#parts.store.images.put({ ...image, name, resolved: base.resolved });
  }

  /** Of the images of one index that builds take, that for this machine has the name. */
  async #mayName({ reference, resolved, config }: KnownBase): Promise<boolean> {
    const named = await this.#parts.store.images.find(reference);
    return named?.resolved !== resolved || samePlatform(config.value, hostPlatform());
  }

  #base(operation: ImageOperation): KnownBase {
    const base = this.#known.get(operation.manifest);
    invariant(base !== undefined, `image ${operation.reference} was resolved while planning`);
    return base;
  }
}

function layoutName({ directory, tag, digest }: LayoutImage): string {
  return `oci-layout://${directory}${digest === undefined ? `:${tag}` : `@${digest}`}`;
}

function located(error: unknown, source: SourceRange): unknown {
  if (!isTsbuildError(error) || error.source !== undefined || error.code === 'ABORTED') return error;
  const { code, message, hint, details, cause } = error;
  return new TsbuildError(code, message, { hint, details, cause, source });
}
