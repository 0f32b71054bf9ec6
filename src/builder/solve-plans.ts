import type { LayerTrees } from '../layers/index/layer-trees.js';
import type { Store } from '../store/store.js';
import { isTsbuildError } from '../support/errors.js';
import type { CacheMountName } from '../store/cache-mounts.js';
import { invariant } from '../support/invariant.js';
import type { BuildRequest } from './build-request.js';
import type { BuilderParts, BuildOptions } from './builder-parts.js';
import type { CacheImport } from './cache/cache-import.js';
import type { CachedStep } from './cache/cached-step.js';
import { ContextIndexes } from './context/context-index.js';
import { openBuildContext } from './context/build-context.js';
import { JointWatch } from './explain/joint-watch.js';
import type { BuildGraph, Vertex, VertexId } from './graph.js';
import type { BaseImages } from './image/base-images.js';
import { buildScope } from './joint/build-scope.js';
import { idIn, joinGraphs, type JointGraph } from './joint/join-graphs.js';
import { openImports, type JointImports } from './joint/joint-imports.js';
import { JointOperations } from './joint/joint-operations.js';
import type { SourceLock } from './lock/source-lock.js';
import { DockerfileOperations } from './operations/dockerfile-operations.js';
import type { ImportedMount, OperationParts } from './operations/operation-parts.js';
import { fileSystemOf, type Result } from './operations/result.js';
import { StepCache } from './operations/step-cache.js';
import type { Operation } from './operation.js';
import { proxyArguments } from './proxy-arguments.js';
import { RemoteLayers, type Fetching } from './remote/remote-layers.js';
import { solve, type SolveOptions, type Solution } from './solver/solver.js';
import { StaleResultError } from './solver/stale-result.js';
import { UpcomingRuns } from './upcoming-runs.js';

/** One of the builds that are solved together. */
export interface PlannedBuild {
  readonly request: BuildRequest;
  readonly graph: BuildGraph<Operation>;
  /** The image's root file system: the graph's target, or what that is made of. */
  readonly root: VertexId;
  readonly bases: BaseImages;
  /** What of its sources is pinned; absent: nothing. */
  readonly lock?: SourceLock | undefined;
  /** The root file systems of images all of whose layers have to be in the store. */
  readonly whole: readonly VertexId[];
}

export interface SolvingParts {
  readonly parts: BuilderParts;
  readonly options: BuildOptions;
}

/** What came of one of them. */
export interface PlanSolution {
  /** By the ids of its own graph. */
  readonly resultOf: (id: VertexId) => Result | undefined;
  /** Its steps, and those among them that were remembered: what builds have in common is in each of them. */
  readonly steps: readonly VertexId[];
  readonly remembered: readonly VertexId[];
  /** For a cache. */
  readonly cachedSteps: readonly CachedStep[];
  readonly remote: RemoteLayers;
  readonly imports: readonly CacheImport[];
}

/**
 * Solves the graphs of builds as one: equal work is done once, the first failure stops all. An imported cache that does not hold
 * what it promised is done without, and the graph solved again: what has been done by then is remembered.
 * @returns one for each build, in their order
 */
export async function solvePlans(
  builds: readonly PlannedBuild[],
  { parts, options }: SolvingParts,
): Promise<readonly PlanSolution[]> {
  const attempt = await openAttempt(builds, { parts, options });
  let isDone = false;
  let isTold = false;
  try {
    // Each import is given up once at most.
    for (let left = attempt.imports.all.length; ; left -= 1) {
      try {
        const solutions = await solveOnce(attempt);
        isDone = true;
        return solutions;
      } catch (error) {
        isTold = isTsbuildError(error);
        if (!(error instanceof StaleResultError) || left === 0) throw error;
      }
    }
  } finally {
    // What was hashed need not be hashed again, however the build ended.
    await attempt.contexts.save();
    // What somebody else goes on with has not ended.
    if (isDone || isTold) await attempt.watch.save({ isDone });
  }
}

/** What it takes to solve the graphs of builds, or to find out what that would do. */
export async function openAttempt(builds: readonly PlannedBuild[], { parts, options }: SolvingParts): Promise<Attempt> {
  const { store, now } = parts;
  const current: { cache?: StepCache } = {};
  const requests = builds.map(({ request }) => request);
  const imports = await openImports(requests, { ...parts, ...options }, async (layer) =>
    current.cache?.keepImported(layer),
  );
  const joint = joinGraphs(builds.map(({ request, graph, root }) => ({ graph, root, scopeOf: buildScope(request) })));
  const contexts = new ContextIndexes({ records: store.records, now });
  const watched = builds.map(({ request, graph }, number) => ({
    request,
    target: idIn(joint.idsOf[number], graph.target),
  }));
  const watch = await JointWatch.open(joint, watched, { store, progress: options.progress });
  const layerTrees = layerTreesOf(store);
  return { builds, joint, imports, contexts, layerTrees, watch, parts, options, current };
}

export interface Attempt extends SolvingParts {
  readonly builds: readonly PlannedBuild[];
  readonly joint: JointGraph;
  readonly imports: JointImports;
  readonly contexts: ContextIndexes;
  readonly layerTrees: () => Promise<LayerTrees>;
  readonly watch: JointWatch;
  /** Is told of the cache that this attempt looks steps up in. */
  readonly current: { cache?: StepCache };
}

interface Solving {
  readonly handler: JointOperations;
  readonly cache: StepCache;
  readonly remote: RemoteLayers;
  readonly options: SolveOptions<Operation, Result>;
}

/** How the steps of an attempt are looked up, and done. */
export function solvingOf(attempt: Attempt): Solving {
  const { builds, joint, options } = attempt;
  const remote = new RemoteLayers();
  const cache = openCache(attempt, remote);
  const upcoming = new UpcomingRuns(joint.graph, options.progress);
  const operations = builds.map(
    (build, number) =>
      new DockerfileOperations(
        operationParts(build, attempt, { upcoming, remote, imports: importsOf(attempt, number) }),
      ),
  );
  const handler = new JointOperations((id) => first(membersOf(joint, id).map((number) => operations[number])));
  return {
    ...{ handler, cache, remote },
    options: {
      signal: options.signal,
      progress: upcoming.progress,
      mayLoad: ({ id, fresh }) =>
        fresh !== true && !membersOf(joint, id).some((number) => builds[number]?.request.noCache === true),
      isStep,
      watch: attempt.watch,
    },
  };
}

async function solveOnce(attempt: Attempt): Promise<readonly PlanSolution[]> {
  const { builds, joint, options } = attempt;
  const { limiter, now } = attempt.parts;
  const { handler, cache, remote, options: solving } = solvingOf(attempt);
  const solution = await solve(joint.graph, { handler, cache, limiter, now }, solving);
  await fetchWholes(attempt, solution, remote);
  const settled = [...new Set(builds.map(({ bases }) => bases))].flatMap((bases) => bases.settle(options.progress));
  const remembered = new Set<string>([...solution.remembered, ...settled]);
  return joint.idsOf.map((_, number) =>
    partOf(number, { joint, solution, remembered, cache, remote, imports: importsOf(attempt, number) }),
  );
}

function importsOf({ imports }: Attempt, number: number): readonly CacheImport[] {
  return imports.of[number] ?? [];
}

/** Does single steps of a build again, with what its solution has learned of layers that are elsewhere. */
export function handlerFor(
  build: PlannedBuild,
  { remote }: Pick<PlanSolution, 'remote'>,
  { parts }: SolvingParts,
): DockerfileOperations {
  const contexts = new ContextIndexes({ records: parts.store.records, now: parts.now });
  const layerTrees = layerTreesOf(parts.store);
  const upcoming = { count: 0, isRunUpon: () => false };
  return new DockerfileOperations(
    operationParts(build, { parts, contexts, layerTrees }, { upcoming, remote, imports: [] }),
  );
}

/** Nothing is sent anywhere: the context is read where it lies, by the steps that copy from it. */
function isStep({ operation }: Vertex<Operation>): boolean {
  return operation.kind !== 'context';
}

function openCache({ builds, parts, imports, joint, current }: Attempt, remote: RemoteLayers): StepCache {
  const cache = new StepCache(parts.store, {
    claim: parts.claim,
    notBefore: ({ id }) =>
      Math.max(...membersOf(joint, id).map((number) => oldestOf(builds[number]?.request, parts.now()))),
    importsFor: ({ id }) => [...new Set(membersOf(joint, id).flatMap((number) => imports.of[number] ?? []))],
    onImported: (layer, from) => {
      remote.add([layer], from);
    },
  });
  current.cache = cache;
  return cache;
}

/** Milliseconds since the epoch. */
function oldestOf(request: BuildRequest | undefined, now: number): number {
  const { cacheTtlMs } = request ?? {};
  return cacheTtlMs === undefined ? -Infinity : now - cacheTtlMs;
}

interface Solved {
  readonly joint: JointGraph;
  readonly solution: Solution<Result>;
  readonly remembered: ReadonlySet<string>;
  readonly cache: StepCache;
  readonly remote: RemoteLayers;
  readonly imports: readonly CacheImport[];
}

function partOf(number: number, { joint, solution, remembered, cache, remote, imports }: Solved): PlanSolution {
  const ids = joint.idsOf[number];
  const own = [...new Set(ids?.values())];
  const steps = own.filter((id) => {
    const vertex = joint.graph.vertices.get(id);
    return vertex !== undefined && isStep(vertex);
  });
  return {
    resultOf: (id) => solution.results.get(idIn(ids, id)),
    steps,
    remembered: steps.filter((id) => remembered.has(id)),
    cachedSteps: cache.stepsOf(withLinked(number, joint)),
    remote,
    imports,
  };
}

/** A build's vertices, and those of the builds whose results it uses. */
function withLinked(number: number, joint: JointGraph): ReadonlySet<VertexId> {
  const linked = (joint.linksOf[number] ?? []).flatMap((other) => [...withLinked(other, joint)]);
  return new Set([...linked, ...(joint.idsOf[number]?.values() ?? [])]);
}

function membersOf({ membersOf: members }: JointGraph, id: VertexId): readonly number[] {
  return members.get(id) ?? [];
}

function first<T>([one]: readonly (T | undefined)[]): T {
  invariant(one !== undefined, 'every vertex is of some build');
  return one;
}

/** Made when the first is asked for: a build that finds everything needs none. */
function layerTreesOf(store: Store): () => Promise<LayerTrees> {
  let made: Promise<LayerTrees> | undefined;
  const make = async (): Promise<LayerTrees> => {
    const { LayerTrees } = await import('../layers/index/layer-trees.js');
    return new LayerTrees({ store, temporaryDirectory: store.temporaryDirectory });
  };
  return () => (made ??= make());
}

function operationParts(
  { request, bases, lock }: PlannedBuild,
  { parts, contexts, layerTrees }: Pick<Attempt, 'parts' | 'contexts' | 'layerTrees'>,
  {
    upcoming,
    remote,
    imports,
  }: {
    readonly upcoming: Pick<UpcomingRuns, 'count' | 'isRunUpon'>;
    readonly remote: RemoteLayers;
    readonly imports: readonly CacheImport[];
  },
): OperationParts {
  const { store, now, workshop, drain } = parts;
  return {
    store,
    now,
    workshop: () => workshop(() => upcoming.count),
    layerTrees,
    drain,
    sourceDateEpoch: request.sourceDateEpoch,
    fileTimes: request.fileTimes,
    proxyEnv: { ...request.proxyEnv, ...proxyArguments(request.buildArgs) },
    given: request,
    openVisit: parts.openVisit,
    isRunUpon: (vertex) => upcoming.isRunUpon(vertex),
    openContext: (operation) => openBuildContext(request, operation, contexts),
    fetchTree: async (operation, step, context) => {
      const { SourceFetcher } = await import('./sources/source-fetcher.js');
      return new SourceFetcher({ store, access: parts.sources, secrets: request.secrets, lock }).fetch(
        operation,
        step,
        context,
      );
    },
    presentImage: (operation, step) => bases.present(operation, { step, remote }),
    importedMount: (name, fetching) => importedMount(imports, name, fetching),
    fetchLayers: (layers, fetching) => remote.fetch(layers, fetching),
  };
}

/** Of the first cache that has one. */
async function importedMount(
  imports: readonly CacheImport[],
  name: CacheMountName,
  fetching: Fetching,
): Promise<ImportedMount | undefined> {
  for (const from of imports) {
    const mount = await from.findMount(name);
    const archive = mount === undefined ? undefined : await from.openMount(mount, fetching);
    if (archive === undefined) continue;
    return {
      archive,
      leftOut: (error) => {
        from.leftOut(name.id, error);
      },
    };
  }
  return undefined;
}

/** What images in the store are made of is there. */
async function fetchWholes(
  { builds, joint, options, parts: { now } }: Attempt,
  { results }: Solution<Result>,
  remote: RemoteLayers,
): Promise<void> {
  const layers = builds.flatMap(({ whole }, number) =>
    whole.flatMap((id) => fileSystemOf(results.get(idIn(joint.idsOf[number], id))).layers),
  );
  if (!(await remote.lacks(layers))) return;
  const { progress } = options;
  const step = 'fetch layers';
  progress({ type: 'step-planned', step, label: '[internal] fetch the layers of the image' });
  progress({ type: 'step-started', step, at: now() });
  await remote.fetch(layers, { step, context: options });
  progress({ type: 'step-done', step, at: now() });
}
