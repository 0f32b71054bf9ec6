import { isDigest } from '../../oci/digest.js';
import { MEDIA_TYPE } from '../../oci/media-type.js';
import type { Store } from '../../store/store.js';
import type { CacheKey, Vertex } from '../graph.js';
import type { Operation } from '../operation.js';
import type { KeyMaterial, ResultCache } from '../solver/operation-handler.js';
import { fileSystemOf, resultChainId, withLayer, type Result, type ResultLayer } from './result.js';

/** What is remembered of a step: the layer it added, and what its key was made of, for people to read. */
interface StepRecord {
  readonly layer: ResultLayer;
  /** The root file system that the step ended with, so that its snapshot is kept as long as the record. */
  readonly chain: string;
  readonly label: string;
  readonly parts: unknown;
}

export type ClaimWork = ResultCache<Operation, Result>['claim'];

/** Results of steps as records in the store; a record is found only while its layer's blob is there. */
export class StepCache implements ResultCache<Operation, Result> {
  readonly #store: Pick<Store, 'blobs' | 'records'>;
  readonly claim: ClaimWork;

  constructor(store: Pick<Store, 'blobs' | 'records'>, claim: ClaimWork) {
    this.#store = store;
    this.claim = claim;
  }

  async load(_vertex: Vertex<Operation>, key: CacheKey, inputs: readonly Result[]): Promise<Result | undefined> {
    const layer = recordedLayer(await this.#store.records.load('step', key));
    if (layer === undefined || !(await this.#store.blobs.has(layer.descriptor.digest))) return undefined;
    return withLayer(fileSystemOf(inputs[0]), layer);
  }

  async save(vertex: Vertex<Operation>, { key, parts }: KeyMaterial, result: Result): Promise<void> {
    const root = fileSystemOf(result);
    const layer = root.layers.at(-1);
    if (layer === undefined) return;
    const record: StepRecord = { layer, chain: resultChainId(root) ?? '', label: vertex.label, parts };
    await this.#store.records.save('step', key, record);
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
    descriptor.mediaType === MEDIA_TYPE.ociLayer;
  return valid ? { descriptor, diffId, created } : undefined;
}

/** The chain id of the root file system that a record's step ended with. */
export function recordedChain(record: unknown): string | undefined {
  const { chain } = (record ?? {}) as Partial<StepRecord>;
  return typeof chain === 'string' ? chain : undefined;
}
