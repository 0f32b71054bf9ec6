import { formatPlatform, hostPlatform, parsePlatform } from '../oci/platform.js';
import type { BuildRequest } from './build-request.js';
import type { BuilderParts, BuildOptions } from './builder-parts.js';
import type { CacheImport } from './cache/cache-import.js';
import { ContextIndexes } from './context/context-index.js';
import { openBuildContext } from './context/build-context.js';
import type { BuildGraph, VertexId } from './graph.js';
import type { BaseImages } from './image/base-images.js';
import { DockerfileOperations } from './operations/dockerfile-operations.js';
import type { OperationParts } from './operations/operation-parts.js';
import { fileSystemOf, type Result } from './operations/result.js';
import { StepCache } from './operations/step-cache.js';
import type { Operation } from './operation.js';
import { proxyArguments } from './proxy-arguments.js';
import { RemoteLayers } from './remote/remote-layers.js';
import { solve, type Solution } from './solver/solver.js';
import { StaleResultError } from './solver/stale-result.js';
import { UpcomingRuns } from './upcoming-runs.js';

export interface SolvingParts {
  readonly request: BuildRequest;
  readonly parts: BuilderParts;
  readonly bases: BaseImages;
  readonly options: BuildOptions;
  /** The root file systems of images all of whose layers have to be in the store. */
  readonly whole?: readonly VertexId[] | undefined;
}

export interface PlanSolution extends Solution<Result> {
  readonly cache: StepCache;
  readonly remote: RemoteLayers;
}

/**
 * Solves a plan's graph. An imported cache that does not hold what it promised is done without, and the graph solved again: what
 * has been done by then is remembered.
 */
export async function solvePlan(graph: BuildGraph<Operation>, solving: SolvingParts): Promise<PlanSolution> {
  const imports = await openImports(solving);
  // Each of them is given up once at most.
  const contexts = new ContextIndexes({ records: solving.parts.store.records, now: solving.parts.now });
  try {
    for (let left = imports.all.length; ; left -= 1) {
      try {
        return await solveOnce(graph, { ...solving, contexts }, imports);
      } catch (error) {
        if (!(error instanceof StaleResultError) || left === 0) throw error;
      }
    }
  } finally {
    // What was hashed need not be hashed again, however the build ended.
    await contexts.save();
  }
}

/** The caches of one build, and the step cache that is told what comes of them. */
interface Imports {
  readonly all: readonly CacheImport[];
  cache?: StepCache;
}

async function openImports({ request, parts, options }: SolvingParts): Promise<Imports> {
  const { cacheFrom = [] } = request;
  if (cacheFrom.length === 0 || request.noCache) return { all: [] };
  const { CacheImport } = await import('./cache/cache-import.js');
  const { store, registry, now } = parts;
  const importing = { ...options, store, registry, now, platform: platformOf(request) };
  const imports: Imports = {
    all: cacheFrom.map(
      (source) => new CacheImport(source, importing, async (layer) => imports.cache?.keepImported(layer)),
    ),
  };
  return imports;
}

interface Attempt extends SolvingParts {
  readonly contexts: ContextIndexes;
}

async function solveOnce(graph: BuildGraph<Operation>, solving: Attempt, imports: Imports): Promise<PlanSolution> {
  const { request, parts, bases, options, whole = [] } = solving;
  const remote = new RemoteLayers();
  const cache = new StepCache(parts.store, {
    claim: parts.claim,
    notBefore: request.cacheTtlMs === undefined ? undefined : parts.now() - request.cacheTtlMs,
    imports: imports.all,
    onImported: (layer, from) => {
      remote.add([layer], from);
    },
  });
  imports.cache = cache;
  const upcoming = new UpcomingRuns(graph, options.progress);
  const handler = new DockerfileOperations(operationParts(solving, { upcoming, remote }));
  const { limiter, now } = parts;
  const solution = await solve(
    graph,
    { handler, cache, limiter, now },
    {
      signal: options.signal,
      progress: upcoming.progress,
      mayLoad: ({ fresh }) => !request.noCache && fresh !== true,
      // Nothing is sent anywhere: the context is read where it lies, by the steps that copy from it.
      isStep: ({ operation }) => operation.kind !== 'context',
    },
  );
  for (const id of whole) await fetchWhole(solution.results.get(id), { remote, options, now });
  return { ...solution, cached: solution.cached + bases.settle(options.progress), cache, remote };
}

function operationParts(
  { request, parts, bases, contexts }: Attempt,
  { upcoming, remote }: { readonly upcoming: UpcomingRuns; readonly remote: RemoteLayers },
): OperationParts {
  const { store, now, workshop, drain } = parts;
  return {
    store,
    now,
    workshop: () => workshop(() => upcoming.count),
    drain,
    sourceDateEpoch: request.sourceDateEpoch,
    proxyEnv: { ...request.proxyEnv, ...proxyArguments(request.buildArgs) },
    given: request,
    openVisit: parts.openVisit,
    platform: platformOf(request),
    openContext: (operation) => openBuildContext(request, operation, contexts),
    fetchTree: async (operation, step, context) => {
      const { SourceFetcher } = await import('./sources/source-fetcher.js');
      return new SourceFetcher({ store, access: parts.sources, secrets: request.secrets }).fetch(
        operation,
        step,
        context,
      );
    },
    presentImage: (operation, step) => bases.present(operation, { step, remote }),
    fetchLayers: (layers, fetching) => remote.fetch(layers, fetching),
  };
}

/** What an image in the store is made of is there. */
async function fetchWhole(
  result: Result | undefined,
  {
    remote,
    options,
    now,
  }: { readonly remote: RemoteLayers; readonly options: BuildOptions; readonly now: () => number },
): Promise<void> {
  const { layers } = fileSystemOf(result);
  if (!(await remote.lacks(layers))) return;
  const { progress } = options;
  const step = 'fetch layers';
  progress({ type: 'step-planned', step, label: '[internal] fetch the layers of the image' });
  progress({ type: 'step-started', step, at: now() });
  await remote.fetch(layers, { step, context: options });
  progress({ type: 'step-done', step, at: now() });
}

function platformOf({ platform }: BuildRequest): string {
  return formatPlatform(platform === undefined ? hostPlatform() : parsePlatform(platform));
}
