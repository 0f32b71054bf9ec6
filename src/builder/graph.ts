import type { Digest } from '../oci/digest.js';
import type { SourceRange } from '../support/source-range.js';

declare const vertexBrand: unique symbol;

/** Digest of the operation and of its inputs' ids: equal ids are the same work, done once a build. */
export type VertexId = Digest & { readonly [vertexBrand]: true };

declare const cacheBrand: unique symbol;

/** Stands for a result across builds. Not the vertex id: `FROM alpine` keeps its id while what it names moves. */
export type CacheKey = Digest & { readonly [cacheBrand]: true };

/** A unit of work: an operation and the vertices whose results it takes, in the operation's order. */
export interface Vertex<O> {
  readonly id: VertexId;
  readonly operation: O;
  readonly inputs: readonly VertexId[];
  /** What a user sees: `[builder 2/5] RUN make`. */
  readonly label: string;
  readonly source?: SourceRange | undefined;
  /** Done even when its result is remembered. */
  readonly fresh?: true | undefined;
}

/** Acyclic by construction: a vertex's id is made of its inputs' ids. */
export interface BuildGraph<O> {
  readonly target: VertexId;
  /** Of a graph that several builds have in common, the targets of the others. */
  readonly moreTargets?: readonly VertexId[] | undefined;
  readonly vertices: ReadonlyMap<VertexId, Vertex<O>>;
}
