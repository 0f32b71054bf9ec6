import { canonicalJson } from '../../oci/canonical-json.js';
import { digestOf } from '../../oci/digest.js';
import type { SourceRange } from '../../support/source-range.js';
import type { BuildGraph, Vertex, VertexId } from '../graph.js';
import type { Operation } from '../operation.js';

/** Digest of the operation and of its inputs' ids: equal work has equal ids, in this build and in the next. */
export function vertexIdOf(operation: Operation, inputs: readonly VertexId[]): VertexId {
  return digestOf(canonicalJson({ operation, inputs })) as VertexId;
}

/**
 * Collects the vertices of a graph. An id that is there already is the same work: its first label and source stay, and it is done
 * anew if either is to be.
 */
export class GraphBuilder {
  readonly #vertices = new Map<VertexId, Vertex<Operation>>();

  add(vertex: Vertex<Operation>): void {
    const known = this.#vertices.get(vertex.id);
    if (known === undefined) this.#vertices.set(vertex.id, vertex);
    else if (vertex.fresh === true) this.#vertices.set(vertex.id, { ...known, fresh: true });
  }

  /** Adds a vertex without inputs. */
  addSource(
    operation: Operation,
    label: string,
    { stage, source }: { readonly stage?: string; readonly source?: SourceRange } = {},
  ): VertexId {
    const id = vertexIdOf(operation, []);
    this.add({ id, operation, inputs: [], label, stage, source });
    return id;
  }

  finish(target: VertexId): BuildGraph<Operation> {
    return { target, vertices: this.#vertices };
  }
}
