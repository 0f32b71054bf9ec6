import { setTimeout } from 'node:timers/promises';
import type { BuilderParts } from '../builder-parts.js';
import type { BuildGraph, Vertex, VertexId } from '../graph.js';
import type { Operation } from '../operation.js';
import { fileSystemOf, type Result } from '../operations/result.js';
import type { ProgressSink } from '../progress.js';
import { dependencyOrder } from '../solver/dependency-order.js';
import type { ExecutionContext, OperationHandler } from '../solver/operation-handler.js';
import { encodeError, isTsbuildError, TsbuildError } from '../../support/errors.js';
import { throwIfAborted } from '../../support/byte-streams.js';
import { invariant } from '../../support/invariant.js';
import { compareLayers } from './compare-layers.js';
import type { LayerDifference } from './file-difference.js';

export interface Reproducing {
  readonly graph: BuildGraph<Operation>;
  /** Of the first time, of every vertex, in the store whose root is `firstRoot`. */
  readonly resultOf: (id: VertexId) => Result | undefined;
  readonly firstRoot: string;
  /** Does a step in the store of `parts`. */
  readonly handler: OperationHandler<Operation, Result>;
  readonly parts: Pick<BuilderParts, 'store' | 'limiter' | 'now'>;
  /** Whether times of files are bounded. */
  readonly withTimes: boolean;
  readonly progress: ProgressSink;
  readonly signal: AbortSignal;
}

/**
 * Does every step a second time, each over what it was done over the first time, and compares the layers: what differs is told of
 * the step that made it, and not of all that come after.
 * @throws `NOT_REPRODUCIBLE` when a layer differs; what doing a step throws
 */
export async function checkReproducible(reproducing: Reproducing): Promise<void> {
  const { graph, signal, parts } = reproducing;
  const { progress } = reproducing;
  const steps = dependencyOrder(graph).filter(({ operation }) => MAKES_LAYER.has(operation.kind));
  const failure = new AbortController();
  const again = new Again({ ...reproducing, signal: AbortSignal.any([signal, failure.signal]) });
  for (const step of steps) again.announce(step);
  if (steps.some(({ operation }) => operation.kind === 'run')) await nextSecond(signal);
  const done = steps.map((step) =>
    parts.limiter
      .run(() => again.check(step), { signal: again.signal })
      .catch((error: unknown) => {
        failure.abort(error);
        throw error;
      }),
  );
  const outcomes = await Promise.allSettled(done);
  const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  if (reasons.length > 0) throw reasons.find((reason) => !isTsbuildError(reason, 'ABORTED')) ?? reasons[0];
  let differing = 0;
  for (const [index, { id, label, source }] of steps.entries()) {
    const outcome = outcomes[index];
    if (outcome?.status !== 'fulfilled' || outcome.value === undefined) continue;
    differing += 1;
    progress({ type: 'difference', step: id, label, source, difference: outcome.value });
  }
  if (differing > 0) throw notReproducible(differing, steps.length, reproducing);
}

/** A step that writes the time does so in seconds mostly: it must not be the same one. @throws `ABORTED` */
async function nextSecond(signal: AbortSignal): Promise<void> {
  throwIfAborted('check the build', signal);
  await setTimeout(1100, undefined, { signal }).catch(() => {
    throwIfAborted('check the build', signal);
  });
}

const MAKES_LAYER: ReadonlySet<Operation['kind']> = new Set(['run', 'copy', 'workdir']);

class Again {
  readonly #reproducing: Reproducing;
  readonly signal: AbortSignal;

  constructor(reproducing: Reproducing) {
    this.#reproducing = reproducing;
    this.signal = reproducing.signal;
  }

  announce({ id, label, source }: Vertex<Operation>): void {
    this.#reproducing.progress({ type: 'step-planned', step: secondId(id), label: `[again] ${label}`, source });
  }

  /** @returns what of its layers differs; nothing where they are the same */
  async check(vertex: Vertex<Operation>): Promise<LayerDifference | undefined> {
    const { progress, parts } = this.#reproducing;
    const step = secondId(vertex.id);
    progress({ type: 'step-started', step, at: parts.now() });
    try {
      const difference = await this.#compare(vertex);
      progress({ type: 'step-done', step, at: parts.now() });
      return difference;
    } catch (error) {
      if (isTsbuildError(error) && error.code !== 'ABORTED') {
        progress({ type: 'step-failed', step, at: parts.now(), error: encodeError(error) });
      }
      throw error;
    }
  }

  async #compare(vertex: Vertex<Operation>): Promise<LayerDifference | undefined> {
    const { resultOf, handler, firstRoot, parts, withTimes } = this.#reproducing;
    const known = (id: VertexId): Result => {
      const result = resultOf(id);
      invariant(result !== undefined, 'every vertex has a result');
      return result;
    };
    const second = await handler.execute(vertex, vertex.inputs.map(known), this.#context());
    const [before, after] = [known(vertex.id), second].map((result) => fileSystemOf(result).layers.at(-1));
    invariant(before !== undefined && after !== undefined, 'a step makes a layer');
    return await compareLayers(
      { layer: before, root: firstRoot },
      { layer: after, root: parts.store.root },
      { withTimes, signal: this.signal },
    );
  }

  #context(): ExecutionContext {
    const progress: ProgressSink = (event) => {
      this.#reproducing.progress('step' in event ? { ...event, step: secondId(event.step) } : event);
    };
    return { signal: this.signal, progress, stopOthers: () => Promise.resolve() };
  }
}

function secondId(id: string): string {
  return `again ${id}`;
}

function notReproducible(differing: number, total: number, { withTimes }: Reproducing): TsbuildError {
  const count = `${differing} of ${total} ${total === 1 ? 'step' : 'steps'}`;
  return new TsbuildError('NOT_REPRODUCIBLE', `cannot build the same image twice: ${count} gave another layer`, {
    hint: withTimes
      ? 'Have the steps above make the same files each time.'
      : 'Give a SOURCE_DATE_EPOCH, as --source-date-epoch=$(git log -1 --format=%ct): without it, files have the times of the build.',
    details: { differing, total },
  });
}
