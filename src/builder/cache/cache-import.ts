import { createDigester, digestAlgorithm, type Digest } from '../../oci/digest.js';
import type { Layer } from '../../oci/layer.js';
import { parsePlatform } from '../../oci/platform.js';
import { formatReference, parseReference, withDefaultTag } from '../../oci/reference.js';
import { openPlace, type BlobPlace } from '../../registry/blob-place.js';
import type { RegistryClient } from '../../registry/registry-client.js';
import type { RepositorySource } from '../../registry/repository/repository-source.js';
import { transferAll } from '../../registry/transfer-all.js';
import type { CacheMountName } from '../../store/cache-mounts.js';
import type { Store } from '../../store/store.js';
import { isTsbuildError, type TsbuildError } from '../../support/errors.js';
import type { CacheSource } from '../build-request.js';
import type { ProgressSink } from '../progress.js';
import type { Fetching, LayerOwner } from '../remote/remote-layers.js';
import { StaleResultError } from '../solver/stale-result.js';
import type { CachedMount } from './cached-mount.js';
import type { CachedStep } from './cached-step.js';

export interface CacheImportParts {
  readonly store: Pick<Store, 'blobs'>;
  /** Made when a registry has to be asked. */
  readonly registry: () => Promise<RegistryClient>;
  readonly platform: string;
  readonly progress: ProgressSink;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * One `--cache-from`: read when the first step is looked for that the store does not know. Whatever is wrong with it is a warning
 * and never ends a build; a layer of it is taken only once its bytes are the blob's, and its content is the step's.
 */
export class CacheImport implements LayerOwner {
  readonly place: BlobPlace;
  readonly #parts: CacheImportParts;
  readonly #name: string;
  readonly #wanted: Parameters<RepositorySource['resolve']>[0];
  readonly #checked = new Set<string>();
  /** Called with each step whose layer has been checked and is in the store. */
  readonly #onTaken: (layer: Layer) => Promise<void>;
  #content: Promise<Content> | undefined;

  constructor(source: CacheSource, parts: CacheImportParts, onTaken: (layer: Layer) => Promise<void>) {
    this.#parts = parts;
    this.#onTaken = onTaken;
    if (source.kind === 'registry') {
      const { registry, repository, tag = 'latest', digest } = withDefaultTag(parseReference(source.reference));
      this.place = { kind: 'repository', repository: { registry, repository } };
      this.#wanted = digest === undefined ? { tag } : { digest };
      this.#name = formatReference(parseReference(source.reference));
    } else {
      const { directory, tag = 'latest', digest } = source;
      this.place = { kind: 'layout', directory };
      this.#wanted = digest === undefined ? { tag } : { digest };
      this.#name = directory;
    }
  }

  async find(key: Digest): Promise<CachedStep | undefined> {
    return (await (this.#content ??= this.#load())).steps.get(key);
  }

  async findMount({ id, variant }: CacheMountName): Promise<CachedMount | undefined> {
    return (await this.mountsOf(id)).find((mount) => mount.variant === variant);
  }

  /** Those of an id, whatever tells them apart. */
  async mountsOf(id: string): Promise<readonly CachedMount[]> {
    return (await (this.#content ??= this.#load())).mounts.filter((mount) => mount.id === id);
  }

  /** The archive of a cache mount; `undefined` for one that cannot be had, which is told of. */
  async openMount({ id, layer }: CachedMount, fetching: Fetching): Promise<AsyncIterable<Uint8Array> | undefined> {
    try {
      const source = await openPlace(this.place, this.#parts.registry);
      await this.#fetch(source, layer, fetching);
      await this.#check(layer);
      const { decompress } = await import('../../layers/compression/decompress.js');
      return decompress(await this.#parts.store.blobs.open(layer.descriptor));
    } catch (error) {
      if (!isTsbuildError(error) || OWN_FAILURES.has(error.code)) throw error;
      this.leftOut(id, error);
      return undefined;
    }
  }

  /** Tells of a cache mount that begins without what the cache has of it. */
  leftOut(id: string, { message }: TsbuildError): void {
    const text = `left out cache mount "${id}" of cache ${this.#name}: ${message}`;
    this.#parts.progress({ type: 'warning', message: text });
  }

  /** Nothing more is taken of it. */
  drop(reason: TsbuildError): void {
    this.#content = Promise.resolve({ steps: new Map(), mounts: [] });
    const message = `stopped using cache ${this.#name}: ${reason.message}`;
    this.#parts.progress({ type: 'warning', message });
  }

  lacks(layer: Layer): Promise<boolean> {
    return Promise.resolve(!this.#checked.has(nameOf(layer)));
  }

  async bring(layers: readonly Layer[], { step, context }: Fetching): Promise<void> {
    try {
      const source = await openPlace(this.place, this.#parts.registry);
      await transferAll(
        layers,
        async (layer, signal) => {
          await this.#take(source, layer, { step, context: { ...context, signal } });
        },
        context.signal,
      );
    } catch (error) {
      if (!isTsbuildError(error) || OWN_FAILURES.has(error.code)) throw error;
      this.drop(error);
      throw new StaleResultError(error);
    }
  }

  async #take(source: RepositorySource, layer: Layer, fetching: Fetching): Promise<void> {
    await this.#fetch(source, layer, fetching);
    await this.#check(layer);
    this.#checked.add(nameOf(layer));
    await this.#onTaken(layer);
  }

  async #fetch(source: RepositorySource, layer: Layer, { step, context }: Fetching): Promise<void> {
    const { blobs } = this.#parts.store;
    const { descriptor } = layer;
    const { digest: item, size: total } = descriptor;
    const { signal, progress } = context;
    if (!(await blobs.has(item))) {
      let current = 0;
      const onBytes = (count: number): void => {
        current += count;
        progress({ type: 'transfer', step, item, direction: 'pull', current, total, done: current >= total });
      };
      const from = (offset: number): AsyncIterable<Uint8Array> => {
        current = offset;
        return source.fetchBlob(descriptor, { offset, onBytes, signal });
      };
      await blobs.resume(descriptor, from, { signal });
    }
  }

  /** The blob is the one that the cache names; only its content tells whether that is the layer that it says it is. */
  async #check({ descriptor, diffId }: Layer): Promise<void> {
    const { decompress } = await import('../../layers/compression/decompress.js');
    const { contentMismatch } = await import('../../layers/unpack/content-mismatch.js');
    const digester = createDigester(digestAlgorithm(diffId));
    for await (const chunk of decompress(await this.#parts.store.blobs.open(descriptor))) digester.update(chunk);
    const { digest: found } = digester.finish();
    if (found !== diffId) throw contentMismatch(descriptor.digest, { expected: diffId, found });
  }

  async #load(): Promise<Content> {
    const { progress, signal, now, platform, registry } = this.#parts;
    const step = `cache-from ${this.#name}`;
    progress({ type: 'step-planned', step, label: `[internal] import cache from ${this.#name}` });
    progress({ type: 'step-started', step, at: now() });
    const steps = new Map<Digest, CachedStep>();
    let mounts: readonly CachedMount[] = [];
    try {
      const { readCache } = await import('./read-cache.js');
      const source = await openPlace(this.place, registry);
      const wanted = { source, wanted: this.#wanted, name: this.#name, platform: parsePlatform(platform), signal };
      const content = await readCache(wanted);
      for (const cached of content.steps) for (const key of cached.keys) steps.set(key, cached);
      ({ mounts } = content);
    } catch (error) {
      if (!isTsbuildError(error) || OWN_FAILURES.has(error.code)) throw error;
      const isNew = error.code === 'IMAGE_NOT_FOUND';
      progress(
        isNew
          ? { type: 'notice', message: `cache ${this.#name} is not there yet` }
          : { type: 'warning', message: `left out cache ${this.#name}: ${error.message}` },
      );
    }
    progress({ type: 'step-done', step, at: now() });
    return { steps, mounts };
  }
}

interface Content {
  readonly steps: ReadonlyMap<Digest, CachedStep>;
  readonly mounts: readonly CachedMount[];
}

/** Not the cache's fault. */
const OWN_FAILURES: ReadonlySet<TsbuildError['code']> = new Set(['ABORTED', 'STORE_IO', 'STORE_INVALID', 'DISK_FULL']);

function nameOf({ descriptor, diffId }: Layer): string {
  return `${descriptor.digest} ${diffId}`;
}
