import { isLayerMediaType } from '../../oci/decode.js';
import { isDigest, type Digest } from '../../oci/digest.js';
import type { Layer } from '../../oci/layer.js';
import { isForeignLayerMediaType } from '../../oci/media-type.js';
import type { Store } from '../../store/store.js';
import type { CachedStep } from '../cache/cached-step.js';
import type { CacheImport } from '../cache/cache-import.js';
import type { CacheKey, Vertex, VertexId } from '../graph.js';
import type { Operation } from '../operation.js';
import type { KeyMaterial, ResultCache } from '../solver/operation-handler.js';
import { fileSystemOf, resultChainId, withLayer, type Result, type ResultLayer } from './result.js';

/** What is remembered of a step: the layer it added, and what its key was made of, for people to read. */
interface StepRecord {
  readonly layer: ResultLayer;
  /** The root file system that the step ended with, so that its snapshot is kept as long as the record. */
  readonly chain: string;
  readonly label: string;
  /** All keys that the step was remembered under at once; absent in records of before. */
  readonly keys?: readonly Digest[];
  /** `null` for a step that came with a cache from elsewhere. */
  readonly parts: unknown;
}

interface Promised {
  readonly key: CacheKey;
  readonly record: StepRecord;
}

export type ClaimWork = ResultCache<Operation, Result>['claim'];

export interface StepCacheOptions {
  readonly claim: ClaimWork;
  /** Milliseconds since the epoch: what was done of a step before counts as unknown. */
  readonly notBefore?: ((vertex: Vertex<Operation>) => number) | undefined;
  /** Asked in this order for what the store does not remember of a step. */
  readonly importsFor?: ((vertex: Vertex<Operation>) => readonly CacheImport[]) | undefined;
  /** Told of each layer that can be had from one of them. */
  readonly onImported?: ((layer: Layer, from: CacheImport) => void) | undefined;
}

/** Results of steps as records in the store, each found only while its layer's blob is there; and as steps of imported caches. */
export class StepCache implements ResultCache<Operation, Result> {
  readonly #store: Pick<Store, 'blobs' | 'records'>;
  readonly #options: StepCacheOptions;
  readonly claim: ClaimWork;
  /** Of this build, by vertex: what a cache for others is made of. */
  readonly #seen = new Map<VertexId, CachedStep>();
  /** Records that are written once their layer is here, by its digest. */
  readonly #promised = new Map<Digest, Promised[]>();

  constructor(store: Pick<Store, 'blobs' | 'records'>, options: StepCacheOptions) {
    this.#store = store;
    this.#options = options;
    this.claim = options.claim;
  }

  /** Of these vertices, those that were found or done. */
  stepsOf(ids: Iterable<VertexId>): readonly CachedStep[] {
    return [...ids].flatMap((id) => this.#seen.get(id) ?? []);
  }

  async load(vertex: Vertex<Operation>, key: CacheKey, inputs: readonly Result[]): Promise<Result | undefined> {
    const record = await this.#store.records.load('step', key);
    const layer = recordedLayer(record);
    if (
      layer === undefined ||
      this.#isTooOld(vertex, layer.created) ||
      !(await this.#store.blobs.has(layer.descriptor.digest))
    ) {
      return await this.#imported(vertex, key, inputs);
    }
    this.#note(vertex, layer, [key, ...recordedKeys(record)]);
    return withLayer(fileSystemOf(inputs[0]), layer);
  }

  #isTooOld(vertex: Vertex<Operation>, created: string | null): boolean {
    const { notBefore } = this.#options;
    return notBefore !== undefined && created !== null && Date.parse(created) < notBefore(vertex);
  }

  async #imported(vertex: Vertex<Operation>, key: CacheKey, inputs: readonly Result[]): Promise<Result | undefined> {
    for (const from of this.#options.importsFor?.(vertex) ?? []) {
      const step = await from.find(key);
      if (step === undefined || this.#isTooOld(vertex, step.created)) continue;
      const layer = { ...step.layer, created: step.created };
      const root = withLayer(fileSystemOf(inputs[0]), layer);
      const { digest } = layer.descriptor;
      const record = { layer, chain: resultChainId(root) ?? '', label: vertex.label, parts: null };
      this.#promised.set(digest, [...(this.#promised.get(digest) ?? []), { key, record }]);
      this.#options.onImported?.(layer, from);
      this.#note(vertex, layer, [key, ...step.keys]);
      return root;
    }
    return undefined;
  }

  /**
   * The layer of imported steps is here, and what they say it is: they are remembered, each under the key that was asked for, and
   * under no other that the cache would have it known by.
   */
  async keepImported({ descriptor, diffId }: Layer): Promise<void> {
    for (const { key, record } of this.#promised.get(descriptor.digest) ?? []) {
      if (record.layer.diffId === diffId) await this.#store.records.save('step', key, record);
    }
    this.#promised.delete(descriptor.digest);
  }

  async save(vertex: Vertex<Operation>, materials: readonly KeyMaterial[], result: Result): Promise<void> {
    const root = fileSystemOf(result);
    const layer = root.layers.at(-1);
    if (layer === undefined) return;
    const keys = materials.map(({ key }) => key);
    this.#note(vertex, layer, keys);
    // What is still elsewhere is remembered once it is here.
    if (!(await this.#store.blobs.has(layer.descriptor.digest))) return;
    for (const { key, parts } of materials) {
      const record: StepRecord = { layer, chain: resultChainId(root) ?? '', label: vertex.label, keys, parts };
      await this.#store.records.save('step', key, record);
    }
  }

  #note({ id, label }: Vertex<Operation>, layer: ResultLayer, keys: readonly Digest[]): void {
    const { descriptor, diffId, created } = layer;
    if (created === null) return;
    const known = this.#seen.get(id)?.keys ?? [];
    this.#seen.set(id, { keys: [...new Set([...known, ...keys])], layer: { descriptor, diffId }, created, label });
  }
}

/** The layer that a record names, or `undefined` when it is no record of a step. */
export function recordedLayer(record: unknown): ResultLayer | undefined {
  const { layer } = (record ?? {}) as Partial<StepRecord>;
  const { descriptor, diffId, created } = (layer ?? {}) as Partial<ResultLayer>;
  const valid =
    typeof diffId === 'string' &&
    isDigest(diffId) &&
    typeof created === 'string' &&
    typeof descriptor?.digest === 'string' &&
    isDigest(descriptor.digest) &&
    Number.isSafeInteger(descriptor.size) &&
    isLayerMediaType(descriptor.mediaType) &&
    !isForeignLayerMediaType(descriptor.mediaType);
  return valid ? { descriptor, diffId, created } : undefined;
}

function recordedKeys(record: unknown): readonly Digest[] {
  const { keys } = (record ?? {}) as Partial<StepRecord>;
  return Array.isArray(keys) ? keys.filter((key) => typeof key === 'string' && isDigest(key)) : [];
}

/** The chain id of the root file system that a record's step ended with. */
export function recordedChain(record: unknown): string | undefined {
  const { chain } = (record ?? {}) as Partial<StepRecord>;
  return typeof chain === 'string' ? chain : undefined;
}
