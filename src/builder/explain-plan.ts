import { createLimiter } from '../support/limiter.js';
import { ContextIndexes } from './context/context-index.js';
import type { BuildExplanation, ExplainedStep } from './explain/build-explanation.js';
import { BuildWatch } from './explain/build-watch.js';
import { DryOperations, readOnly } from './explain/dry-operations.js';
import type { KeyChange } from './explain/key-change.js';
import type { BuildGraph, Vertex } from './graph.js';
import type { Operation } from './operation.js';
import { DockerfileOperations } from './operations/dockerfile-operations.js';
import { StepCache } from './operations/step-cache.js';
import type { ProgressEvent } from './progress.js';
import { RemoteLayers } from './remote/remote-layers.js';
import { openImports, operationParts, type SolvingParts } from './solve-plan.js';
import { solve } from './solver/solver.js';
import { UpcomingRuns } from './upcoming-runs.js';

/**
 * Which steps of a plan would be done, and why, with nothing done and nothing remembered. Sources behind URLs are asked for, as
 * their content is part of keys.
 */
export async function explainPlan(graph: BuildGraph<Operation>, solving: SolvingParts): Promise<BuildExplanation> {
  const { parts, options } = solving;
  const { store, now } = parts;
  const request = { ...solving.request, details: true };
  const told = new Told(options.progress);
  const { progress } = told;
  const imports = await openImports({ ...solving, request });
  const contexts = new ContextIndexes({ records: store.records, now });
  const watch = await BuildWatch.open(graph, { store, request, progress });
  const attempt = { ...solving, request, contexts, watch, options: { ...options, progress } };
  const upcoming = new UpcomingRuns(graph, progress);
  const remote = new RemoteLayers();
  const handler = new DryOperations(new DockerfileOperations(operationParts(attempt, { upcoming, remote })));
  const onImported = remote.add.bind(remote);
  const cache = new StepCache(store, {
    claim: parts.claim,
    imports: imports.all,
    onImported: (layer, from) => {
      onImported([layer], from);
    },
  });
  imports.cache = cache;
  await solve(
    graph,
    { handler, cache: readOnly(cache), limiter: createLimiter(1), now },
    {
      signal: options.signal,
      progress,
      mayLoad: ({ fresh }) => !request.noCache && fresh !== true,
      isStep: ({ operation }) => operation.kind !== 'context',
      watch,
    },
  );
  await contexts.save();
  return { steps: [...graph.vertices.values()].flatMap((vertex) => told.explained(vertex, handler.follows(vertex))) };
}

/** What is said of steps on the way; only what is no step of its own is passed on. */
class Told {
  readonly #changes = new Map<string, readonly KeyChange[]>();
  readonly #pass: (event: ProgressEvent) => void;

  constructor(pass: (event: ProgressEvent) => void) {
    this.#pass = pass;
  }

  readonly progress = (event: ProgressEvent): void => {
    if (event.type === 'step-explained') this.#changes.set(event.step, event.changes);
    else if (event.type === 'notice' || event.type === 'warning' || event.type === 'transfer') this.#pass(event);
  };

  explained({ id, label, operation }: Vertex<Operation>, follows: boolean): readonly ExplainedStep[] {
    const isDone = operation.kind === 'run' || operation.kind === 'copy' || operation.kind === 'workdir';
    if (!isDone && operation.kind !== 'image') return [];
    const changes = this.#changes.get(id) ?? [];
    return [{ step: id, label, state: stateOf(changes, follows), changes }];
  }
}

function stateOf(changes: readonly KeyChange[], follows: boolean): ExplainedStep['state'] {
  if (changes.length === 0) return 'cached';
  const isOwn = changes.some(({ what }) => what !== 'step');
  const isSourceOnly = changes.every((change) => change.what === 'step' && change.role === 'source');
  return isOwn || (!follows && !isSourceOnly) ? 'changed' : 'follows';
}
