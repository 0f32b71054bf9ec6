import { createLimiter } from '../support/limiter.js';
import { formatPlatform } from '../oci/platform.js';
import type { BuildExplanation, ExplainedImage, ExplainedStep } from './explain/build-explanation.js';
import { DryOperations, readOnly } from './explain/dry-operations.js';
import type { KeyChange } from './explain/key-change.js';
import type { Vertex } from './graph.js';
import type { Operation } from './operation.js';
import type { ProgressEvent } from './progress.js';
import { openAttempt, solvingOf, type PlannedBuild, type SolvingParts } from './solve-plans.js';
import { dependencyOrder } from './solver/dependency-order.js';
import { solve } from './solver/solver.js';

/**
 * Which steps of plans would be done, and why, with nothing done and nothing remembered. Sources behind URLs are asked for, as
 * their content is part of keys.
 */
export async function explainPlans(
  builds: readonly PlannedBuild[],
  { parts, options }: SolvingParts,
): Promise<BuildExplanation> {
  const told = new Told(options.progress);
  const attempt = await openAttempt(builds, { parts, options: { ...options, progress: told.progress } });
  const { graph } = attempt.joint;
  const solving = solvingOf(attempt);
  const handler = new DryOperations(solving.handler);
  const solver = { handler, cache: readOnly(solving.cache), limiter: createLimiter(1), now: parts.now };
  await solve(graph, solver, solving.options);
  await attempt.contexts.save();
  const order = dependencyOrder(graph);
  const steps: ExplainedStep[] = [];
  for (const vertex of order) {
    const takes = vertex.inputs.some((id) => graph.vertices.get(id)?.operation.kind === 'context');
    const files = takes ? await handler.filesOf(vertex) : undefined;
    steps.push(...told.explained(vertex, { follows: handler.follows(vertex), files }));
  }
  return { steps, images: await imagesOf(order, builds) };
}

/** Each once. */
async function imagesOf(
  order: readonly Vertex<Operation>[],
  builds: readonly PlannedBuild[],
): Promise<readonly ExplainedImage[]> {
  const images: ExplainedImage[] = [];
  for (const { operation } of order) {
    if (
      operation.kind !== 'image' ||
      images.some((one) => one.name === operation.reference && one.digest === operation.manifest)
    )
      continue;
    const bases = builds.map((build) => build.bases).find((one) => one.knows(operation));
    if (bases === undefined) continue;
    const layers = await bases.layersOf(operation);
    const missing = layers.filter(({ isHere }) => !isHere);
    images.push({
      name: operation.reference,
      platform: formatPlatform(operation.platform),
      digest: operation.manifest,
      layers: layers.length,
      missing: { layers: missing.length, bytes: missing.reduce((sum, { size }) => sum + size, 0) },
    });
  }
  return images;
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

  explained(
    { id, label, operation }: Vertex<Operation>,
    { follows, files }: { readonly follows: boolean; readonly files: readonly string[] | undefined },
  ): readonly ExplainedStep[] {
    const isDone = operation.kind === 'run' || operation.kind === 'copy' || operation.kind === 'workdir';
    if (!isDone && operation.kind !== 'image') return [];
    const changes = this.#changes.get(id) ?? [];
    return [{ step: id, label, state: stateOf(changes, follows), changes, ...(files === undefined ? {} : { files }) }];
  }
}

function stateOf(changes: readonly KeyChange[], follows: boolean): ExplainedStep['state'] {
  if (changes.length === 0) return 'cached';
  const isOwn = changes.some(({ what }) => what !== 'step');
  const isSourceOnly = changes.every((change) => change.what === 'step' && change.role === 'source');
  return isOwn || (!follows && !isSourceOnly) ? 'changed' : 'follows';
}
