import { createDigester, digestAlgorithm, type Digest } from '../../oci/digest.js';
import type { Layer } from '../../oci/layer.js';
import { parsePlatform } from '../../oci/platform.js';
import { formatReference, parseReference, withDefaultTag } from '../../oci/reference.js';
import { openPlace, type BlobPlace } from '../../registry/blob-place.js';
import type { RegistryClient } from '../../registry/registry-client.js';
import type { RepositorySource } from '../../registry/repository/repository-source.js';
import { transferAll } from '../../registry/transfer-all.js';
import type { Store } from '../../store/store.js';
import { isTsbuildError, type TsbuildError } from '../../support/errors.js';
import type { CacheSource } from '../build-request.js';
import type { ProgressSink } from '../progress.js';
import type { Fetching, LayerOwner } from '../remote/remote-layers.js';
import { StaleResultError } from '../solver/stale-result.js';
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
  #steps: Promise<ReadonlyMap<Digest, CachedStep>> | undefined;

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
    return (await (this.#steps ??= this.#load())).get(key);
  }

  /** Nothing more is taken of it. */
  drop(reason: TsbuildError): void {
    this.#steps = Promise.resolve(new Map());
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

  async #take(source: RepositorySource, layer: Layer, { step, context }: Fetching): Promise<void> {
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
    await this.#check(layer);
    this.#checked.add(nameOf(layer));
    await this.#onTaken(layer);
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

  async #load(): Promise<ReadonlyMap<Digest, CachedStep>> {
    const { progress, signal, now, platform, registry } = this.#parts;
    const step = `cache-from ${this.#name}`;
    progress({ type: 'step-planned', step, label: `[internal] import cache from ${this.#name}` });
    progress({ type: 'step-started', step, at: now() });
    const steps = new Map<Digest, CachedStep>();
    try {
      const { readCache } = await import('./read-cache.js');
      const source = await openPlace(this.place, registry);
      const wanted = { source, wanted: this.#wanted, name: this.#name, platform: parsePlatform(platform), signal };
      for (const cached of await readCache(wanted)) for (const key of cached.keys) steps.set(key, cached);
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
    return steps;
  }
}

/** Not the cache's fault. */
const OWN_FAILURES: ReadonlySet<TsbuildError['code']> = new Set(['ABORTED', 'STORE_IO', 'STORE_INVALID', 'DISK_FULL']);

function nameOf({ descriptor, diffId }: Layer): string {
  return `${descriptor.digest} ${diffId}`;
}
