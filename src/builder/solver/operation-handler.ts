import type { CacheKey, Vertex } from '../graph.js';
import type { ProgressSink } from '../progress.js';

export interface OperationContext {
  readonly signal: AbortSignal;
  readonly progress: ProgressSink;
}

export interface ExecutionContext extends OperationContext {
  /**
   * For an operation that has failed and wants to be the only one at work until it throws: stops the others, and resolves when they
   * have stopped. Nothing new is begun.
   * @throws `ABORTED` when another one asked first
   */
  readonly stopOthers: () => Promise<void>;
}

/** A key with what it was made of, kept readable so that a miss can be explained. */
export interface KeyMaterial {
  readonly key: CacheKey;
  readonly parts: unknown;
  /** What digests among the parts stand for. Kept for explanations, and in no record of a result. */
  readonly detail?: unknown;
}

/** Told of what becomes of the vertices of a graph, for explanations. */
export interface SolveWatch<O, R> {
  /**
   * A vertex is about to be done: none of its keys is remembered.
   * @param mayLoad whether a remembered result might have been used
   */
  missed(vertex: Vertex<O>, keys: readonly KeyMaterial[], outcome: { readonly mayLoad: boolean }): Promise<void>;
  /** A vertex has its result: it was there, was found by the last of the keys, or was done. */
  resolved(vertex: Vertex<O>, keys: readonly KeyMaterial[], result: R): void;
}

export interface Present<R> {
  readonly result: R;
  /** Its content is still to be had: whether the vertex is done or was there, its handler tells once that is known. */
  readonly deferred: boolean;
}

/** How the operations of a graph are keyed and done. The solver knows no Dockerfile, no tar and no registry. */
export interface OperationHandler<O, R> {
  /**
   * The keys under which the result may be remembered, cheapest first. A later one is computed only when those before
   * found nothing. None: the operation is done in every build.
   */
  keys(vertex: Vertex<O>, inputs: readonly R[], context: OperationContext): AsyncIterable<KeyMaterial>;
  /** A result that needs no record, as a base image that was pulled before, or one whose files can be had when they are needed. */
  present(vertex: Vertex<O>, inputs: readonly R[]): Promise<Present<R> | undefined>;
  execute(vertex: Vertex<O>, inputs: readonly R[], context: ExecutionContext): Promise<R>;
}

/**
 * Remembers results across builds. A record whose content is known to have gone is not found; where that shows only later, an
 * operation throws `StaleResultError`.
 */
export interface ResultCache<O, R> {
  load(vertex: Vertex<O>, key: CacheKey, inputs: readonly R[]): Promise<R | undefined>;
  /** Under each of the keys. */
  save(vertex: Vertex<O>, materials: readonly KeyMaterial[], result: R): Promise<void>;
  /**
   * The right to do the work of a key, which is held until it is disposed of: others that share the results wait, and find them.
   * @param onWait called once, if somebody else is at it
   * @throws `ABORTED`
   */
  claim(key: CacheKey, options: { readonly signal: AbortSignal; readonly onWait: () => void }): Promise<Disposable>;
}
