import { textOfBytes, type ByteString } from '../../support/byte-string.js';
import { digestOf } from '../../oci/digest.js';
import { MEDIA_TYPE } from '../../oci/media-type.js';
import type { Vertex, VertexId } from '../graph.js';
import type { Operation } from '../operation.js';
import { fileSystemOf, withLayer, type Result } from '../operations/result.js';
import { fileListsOf } from './watched-vertex.js';
import type { KeptFiles } from './file-list.js';
import type {
  ExecutionContext,
  KeyMaterial,
  OperationContext,
  OperationHandler,
  Present,
  ResultCache,
} from '../solver/operation-handler.js';

type Handler = OperationHandler<Operation, Result>;

/**
 * Operations that are keyed and not done: in place of what a step would give stands a layer that nobody has, so that what builds
 * on it is found by none of its keys but those that do not depend on it. What files are needed for a key is read where it lies
 * on this host, or fetched; no layer is unpacked.
 */
export class DryOperations implements Handler {
  readonly #operations: Handler;
  /** Vertices whose result is no real one. */
  readonly #standIns = new Set<VertexId>();
  readonly #files = new Map<VertexId, readonly KeptFiles[]>();

  constructor(operations: Handler) {
    this.#operations = operations;
  }

  /** Whether it builds on a step that would be done. */
  follows({ inputs }: Vertex<Operation>): boolean {
    return inputs.some((id) => this.#standIns.has(id));
  }

  /** The files that its key was made of; `undefined` where it was made of none. */
  async filesOf({ id }: Vertex<Operation>): Promise<readonly string[] | undefined> {
    const lists = await Promise.all((this.#files.get(id) ?? []).map((list) => list.files()));
    const files = lists.flatMap((list) => [...(list ?? [])]);
    if (files.length === 0) return undefined;
    const paths = files.map(([path, { type }]) => {
      const text = textOfBytes(path as ByteString);
      return type === 'directory' ? `${text}/` : text;
    });
    return [...new Set(paths)].sort();
  }

  present(vertex: Vertex<Operation>, inputs: readonly Result[]): Promise<Present<Result> | undefined> {
    return this.#operations.present(vertex, inputs);
  }

  async *keys(
    vertex: Vertex<Operation>,
    inputs: readonly Result[],
    context: OperationContext,
  ): AsyncGenerator<KeyMaterial> {
    if (this.follows(vertex)) this.#standIns.add(vertex.id);
    for await (const material of this.#operations.keys(vertex, inputs, context)) {
      this.#files.set(vertex.id, fileListsOf([material]));
      yield material;
      // Further keys are made of the files of a stage, which would have to be unpacked, or is not there.
      return;
    }
  }

  async execute(vertex: Vertex<Operation>, inputs: readonly Result[], context: ExecutionContext): Promise<Result> {
    const { kind } = vertex.operation;
    if (kind !== 'run' && kind !== 'copy' && kind !== 'workdir') {
      return await this.#operations.execute(vertex, inputs, context);
    }
    this.#standIns.add(vertex.id);
    const digest = digestOf(`stands for ${vertex.id}`);
    const descriptor = { mediaType: MEDIA_TYPE.ociLayer, digest, size: 0 };
    return withLayer(fileSystemOf(inputs[0]), { descriptor, diffId: digest, created: '1970-01-01T00:00:00Z' });
  }
}

/** Remembered results, to which nothing is added. */
export function readOnly(cache: ResultCache<Operation, Result>): ResultCache<Operation, Result> {
  return {
    load: (vertex, key, inputs) => cache.load(vertex, key, inputs),
    save: () => Promise.resolve(),
    claim: () => Promise.resolve({ [Symbol.dispose]: () => undefined }),
  };
}
