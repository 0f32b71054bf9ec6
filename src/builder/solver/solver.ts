import { encodeError, isTsbuildError, TsbuildError } from '../../support/errors.js';
import { invariant } from '../../support/invariant.js';
import type { Limiter } from '../../support/limiter.js';
import type { BuildGraph, CacheKey, Vertex, VertexId } from '../graph.js';
import type { ProgressSink } from '../progress.js';
import type {
  ExecutionContext,
  KeyMaterial,
  OperationContext,
  OperationHandler,
  ResultCache,
  SolveWatch,
} from './operation-handler.js';
import { dependencyOrder } from './dependency-order.js';
import { StaleResultError } from './stale-result.js';

export interface SolverParts<O, R> {
  readonly handler: OperationHandler<O, R>;
  readonly cache: ResultCache<O, R>;
  /** Bounds how many operations are done at once; looking results up is not bounded. */
  readonly limiter: Limiter;
  /** Milliseconds since the epoch, for the times of events. */
  readonly now: () => number;
}

export interface SolveOptions<O, R> {
  readonly progress: ProgressSink;
  readonly signal: AbortSignal;
  /** Whether a remembered result may be used for this vertex. */
  readonly mayLoad: (vertex: Vertex<O>) => boolean;
  /** Whether a vertex is a step to its user: told of and counted. The others only serve those that are. */
  readonly isStep: (vertex: Vertex<O>) => boolean;
  readonly watch?: SolveWatch<O, R> | undefined;
}

export interface Solution<R> {
  /** Of every vertex of the graph. */
  readonly results: ReadonlyMap<VertexId, R>;
  /** Steps. */
  readonly total: number;
  readonly cached: number;
  /** The steps that were remembered. */
  readonly remembered: ReadonlySet<VertexId>;
}

/**
 * Finds the results of the graph's targets and all that they need: of each vertex the remembered one, or does the work,
 * independent vertices side by side. The first failure aborts the rest and is thrown once all of it has stopped.
 */
export async function solve<O, R>(
  graph: BuildGraph<O>,
  parts: SolverParts<O, R>,
  options: SolveOptions<O, R>,
): Promise<Solution<R>> {
  const failure = new AbortController();
  const signal = AbortSignal.any([options.signal, failure.signal]);
  const order = dependencyOrder(graph);
  const steps = order.filter(options.isStep);
  for (const { id, label, stage, source } of steps) {
    options.progress({ type: 'step-planned', step: id, label, stage, source });
  }

  const run = new SolverRun(parts, { ...options, signal, progress: withoutHidden(order, options) });
  const pending = new Map<VertexId, Promise<R>>();
  let firstError: unknown;
  for (const vertex of order) {
    const inputs = vertex.inputs.map((id) => {
      const input = pending.get(id);
      invariant(input !== undefined, `vertex ${vertex.id} comes before its input ${id}`);
      return input;
    });
    const result = run.resolve(vertex, inputs).catch((error: unknown) => {
      if (!run.isSetAside(vertex)) {
        firstError ??= error;
        failure.abort(error);
      }
      throw error;
    });
    pending.set(vertex.id, result);
  }
  await Promise.allSettled(pending.values());
  if (firstError !== undefined) throw firstError as Error;
  const results = new Map<VertexId, R>();
  for (const [id, result] of pending) results.set(id, await result);
  return { results, total: steps.length, cached: run.remembered.size, remembered: run.remembered };
}

/** Events of vertices that are no steps go nowhere. */
function withoutHidden<O, R>(order: readonly Vertex<O>[], { isStep, progress }: SolveOptions<O, R>): ProgressSink {
  const hidden = new Set<string>(order.filter((vertex) => !isStep(vertex)).map(({ id }) => id));
  return (event) => {
    if (!('step' in event) || !hidden.has(event.step)) progress(event);
  };
}

/** One walk over a graph. */
class SolverRun<O, R> {
  readonly #parts: SolverParts<O, R>;
  readonly #options: SolveOptions<O, R>;
  readonly #working = new Map<VertexId, Work>();
  /** Keys of what has been at work. */
  readonly #claimed = new Set<CacheKey>();
  /** The one that stopped the others. */
  #sole: VertexId | undefined;
  readonly remembered = new Set<VertexId>();

  constructor(parts: SolverParts<O, R>, options: SolveOptions<O, R>) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Whether it was stopped because another one failed, which is about to say so. */
  isSetAside({ id }: Vertex<O>): boolean {
    return this.#sole !== undefined && this.#sole !== id;
  }

  async resolve(vertex: Vertex<O>, pending: readonly Promise<R>[]): Promise<R> {
    const inputs = await Promise.all(pending);
    const { progress, signal } = this.#options;
    throwIfAborted(signal);
    const event = { step: vertex.id, at: this.#parts.now() };
    try {
      const present = await this.#parts.handler.present(vertex, inputs);
      if (present !== undefined) {
        this.#options.watch?.resolved(vertex, [], present.result);
        return present.deferred ? present.result : this.#found(vertex, present.result);
      }
      const { result, keys } = await this.#lookup(vertex, inputs);
      const found = result === undefined ? await this.#executeOnce(vertex, inputs, keys) : this.#found(vertex, result);
      this.#options.watch?.resolved(vertex, keys, found);
      return found;
    } catch (error) {
      // What was stopped because something else failed is no failure of its own.
      const stopped = signal.aborted || this.isSetAside(vertex);
      if (!(error instanceof StaleResultError) && !(stopped && isTsbuildError(error, 'ABORTED'))) {
        progress({ type: 'step-failed', ...event, at: this.#parts.now(), error: encodeError(asTsbuildError(error)) });
      }
      throw error;
    }
  }

  #found(vertex: Vertex<O>, result: R): R {
    if (this.#options.isStep(vertex)) this.remembered.add(vertex.id);
    this.#options.progress({ type: 'step-cached', step: vertex.id, at: this.#parts.now() });
    return result;
  }

  /** What another build is doing at this moment is waited for, not done a second time. */
  async #executeOnce(vertex: Vertex<O>, inputs: readonly R[], keys: readonly KeyMaterial[]): Promise<R> {
    const [first] = keys;
    if (first === undefined || !this.#options.mayLoad(vertex)) return await this.#execute(vertex, inputs, keys);
    const { cache, now } = this.#parts;
    const { progress, signal } = this.#options;
    const isOurs = this.#claimed.has(first.key);
    this.#claimed.add(first.key);
    using _claim = await cache.claim(first.key, {
      signal,
      onWait: () => {
        if (isOurs) return;
        progress({ type: 'step-waiting', step: vertex.id, at: now(), reason: 'another-build' });
      },
    });
    const done = await this.#load(vertex, inputs, keys);
    return done === undefined ? await this.#execute(vertex, inputs, keys) : this.#found(vertex, done);
  }

  async #load(vertex: Vertex<O>, inputs: readonly R[], keys: readonly KeyMaterial[]): Promise<R | undefined> {
    for (const { key } of keys) {
      const result = await this.#parts.cache.load(vertex, key, inputs);
      if (result !== undefined) return result;
    }
    return undefined;
  }

  async #lookup(
    vertex: Vertex<O>,
    inputs: readonly R[],
  ): Promise<{ readonly result: R | undefined; readonly keys: readonly KeyMaterial[] }> {
    const { handler, cache } = this.#parts;
    const keys: KeyMaterial[] = [];
    for await (const material of handler.keys(vertex, inputs, this.#context())) {
      const result = this.#options.mayLoad(vertex) ? await cache.load(vertex, material.key, inputs) : undefined;
      keys.push(material);
      if (result !== undefined) {
        if (keys.length > 1) await cache.save(vertex, keys, result);
        return { result, keys };
      }
    }
    return { result: undefined, keys };
  }

  async #execute(vertex: Vertex<O>, inputs: readonly R[], keys: readonly KeyMaterial[]): Promise<R> {
    const { handler, cache, limiter, now } = this.#parts;
    const { progress, signal, watch, mayLoad, isStep } = this.#options;
    const task = async (): Promise<R> => {
      throwIfAborted(signal);
      if (this.isSetAside(vertex)) throw setAside();
      await watch?.missed(vertex, keys, { mayLoad: mayLoad(vertex) });
      progress({ type: 'step-started', step: vertex.id, at: now() });
      const result = await this.#work(vertex, (context) => handler.execute(vertex, inputs, context));
      if (keys.length > 0) await cache.save(vertex, keys, result);
      progress({ type: 'step-done', step: vertex.id, at: now() });
      return result;
    };
    // What is no step is no work, and done in every build: it need not load what the others wait with.
    return isStep(vertex) ? limiter.run(task, { signal }) : task();
  }

  #context(): OperationContext {
    return { signal: this.#options.signal, progress: this.#options.progress };
  }

  /** Does what others may stop. */
  async #work(vertex: Vertex<O>, act: (context: ExecutionContext) => Promise<R>): Promise<R> {
    const stop = new AbortController();
    const signal = AbortSignal.any([this.#options.signal, stop.signal]);
    const result = act({ ...this.#context(), signal, stopOthers: () => this.#stopOthers(vertex) });
    this.#working.set(vertex.id, { stop, result });
    try {
      return await result;
    } finally {
      this.#working.delete(vertex.id);
    }
  }

  async #stopOthers({ id }: Vertex<O>): Promise<void> {
    if (this.#sole !== undefined && this.#sole !== id) throw setAside();
    this.#sole = id;
    const others = [...this.#working].filter(([other]) => other !== id).map(([, work]) => work);
    for (const { stop } of others) stop.abort();
    await Promise.allSettled(others.map(({ result }) => result));
  }
}

interface Work {
  readonly stop: AbortController;
  readonly result: Promise<unknown>;
}

function setAside(): TsbuildError {
  return new TsbuildError('ABORTED', 'cannot go on: another step has failed');
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted)
    throw new TsbuildError('ABORTED', 'cannot go on: the build was cancelled', { cause: signal.reason });
}

function asTsbuildError(error: unknown): TsbuildError {
  return isTsbuildError(error) ? error : new TsbuildError('INTERNAL', String(error));
}
