import type { Descriptor } from '../oci/descriptor.js';
import type { LayerMediaType } from '../oci/media-type.js';
import { formatPlatform, hostPlatform, parsePlatform } from '../oci/platform.js';
import { familiarName, formatReference, parseReference, withDefaultTag, type Reference } from '../oci/reference.js';
import type { RegistryClient } from '../registry/registry-client.js';
import type { Store } from '../store/store.js';
import { TsbuildError } from '../support/errors.js';
import { invariant } from '../support/invariant.js';
import type { Limiter } from '../support/limiter.js';
import type { BuildRequest, BuildResult } from './build-request.js';
import { CheckReport } from './check/check-report.js';
import { openBuildContext } from './context/build-context.js';
import { withFilesOfResult } from './files-of-result.js';
import type { BuildGraph } from './graph.js';
import { assembleImage } from './image/assemble-image.js';
import { BaseImages } from './image/base-images.js';
import { storeImage } from './image/store-image.js';
import { loadDockerfile } from './load-dockerfile.js';
import { creationTime } from './operations/step-time.js';
import { DockerfileOperations } from './operations/dockerfile-operations.js';
import type { OpenVisit } from './visit.js';
import type { OperationParts, Workshop } from './operations/operation-parts.js';
import { fileSystemOf, type FileSystemResult, type Result } from './operations/result.js';
import { StepCache, type ClaimWork } from './operations/step-cache.js';
import type { Operation } from './operation.js';
import type { BaseResolver, BuildPlan } from './plan.js';
import { planBuild } from './plan/plan-build.js';
import type { ProgressSink } from './progress.js';
import type { SourceAccess } from './sources/source-fetcher.js';
import { proxyArguments } from './proxy-arguments.js';
import { solve, type Solution } from './solver/solver.js';
import { UpcomingRuns } from './upcoming-runs.js';

export interface BuilderParts {
  readonly store: Store;
  /** Made when a registry has to be asked. */
  readonly registry: () => Promise<RegistryClient>;
  /** Made when a step has to be done; `upcoming` tells how many RUN steps may follow those that have begun. */
  readonly workshop: (upcoming: () => number) => Promise<Workshop>;
  readonly limiter: Limiter;
  /** How what is elsewhere is reached. */
  readonly sources: SourceAccess;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Waits until a slow receiver of events has caught up. */
  readonly drain: () => Promise<void>;
  /** Who is let into the sandbox of a step that failed; absent: nobody. */
  readonly openVisit?: OpenVisit | undefined;
  /** The right to do a step that another process may be doing. */
  readonly claim: ClaimWork;
}

export interface BuildOptions {
  readonly progress: ProgressSink;
  readonly signal: AbortSignal;
}

/**
 * Builds an image from a Dockerfile: parse, plan, solve, write the image and its names. What every step needs is looked up
 * first and done only when it is not remembered; the registry is asked, the sandbox made, only when they are needed.
 */
export async function build(request: BuildRequest, parts: BuilderParts, options: BuildOptions): Promise<BuildResult> {
  const names = request.tags.map(parseTag);
  const { wanted = ['image'] } = request;
  const { plan, bases } = await makePlan(request, parts, options);
  plan.remarks.forEach(options.progress);
  const graph = wanted.includes('files') ? withFilesOfResult(plan.graph) : plan.graph;
  const { results, total, cached } = await solvePlan(graph, { request, parts, bases, options });
  const epoch = request.sourceDateEpoch === undefined ? undefined : creationTime({ ...request, now: parts.now });
  const root = fileSystemOf(results.get(plan.graph.target));
  const image = assembleImage(plan.image, root, { epoch, annotations: request.annotations });
  const stored = wanted.includes('image');
  if (stored) await storeImage(parts.store, image, names);
  return {
    imageId: image.config.descriptor.digest,
    manifest: image.manifest.descriptor,
    stored,
    names: stored ? names.map(formatReference) : [],
    steps: { total, cached },
    ...(wanted.includes('files') ? { files: onlyLayer(fileSystemOf(results.get(graph.target))) } : {}),
  };
}

function onlyLayer({ layers }: FileSystemResult): Descriptor<LayerMediaType> {
  const [layer, ...more] = layers;
  invariant(layer !== undefined && more.length === 0, 'the files of a result are one layer');
  return layer.descriptor;
}

/** What a build would do, without doing it: for pictures. Base images are looked up. */
export async function planOnly(request: BuildRequest, parts: BuilderParts, options: BuildOptions): Promise<BuildPlan> {
  const progress: ProgressSink = (event) => {
    if (event.type !== 'warning') options.progress(event);
  };
  return (await makePlan(request, parts, { ...options, progress })).plan;
}

/** Looks base images up without building anything. */
export function baseResolver(request: BuildRequest, parts: BuilderParts, options: BuildOptions): BaseResolver {
  const bases = openBases(request, parts, options);
  return (name, platform, source) => bases.resolve(name, platform, source);
}

function openBases({ pull }: BuildRequest, { store, now, registry }: BuilderParts, options: BuildOptions): BaseImages {
  return new BaseImages({ ...options, store, now, registry, pull });
}

async function makePlan(
  request: BuildRequest,
  parts: BuilderParts,
  options: BuildOptions,
): Promise<{ readonly plan: BuildPlan; readonly bases: BaseImages }> {
  const dockerfile = await loadDockerfile(request.dockerfile, parts.store.records);
  const report = new CheckReport({
    dockerfile,
    buildArgs: request.buildArgs,
    quiet: true,
    onWarning: ({ rule, message, source }) => {
      options.progress({ type: 'warning', rule, message, source });
    },
  });
  dockerfile.warnings.forEach(report.add);
  const bases = openBases(request, parts, options);
  const plan = await planBuild({
    dockerfile,
    request,
    resolveBase: (name, platform, source) => bases.resolve(name, platform, source),
    onWarning: report.add,
  });
  const failure = report.failure();
  if (failure !== undefined) throw failure;
  return { plan, bases };
}

function solvePlan(
  graph: BuildGraph<Operation>,
  work: { request: BuildRequest; parts: BuilderParts; bases: BaseImages; options: BuildOptions },
): Promise<Solution<Result>> {
  const { request, parts, bases, options } = work;
  const { store, now, workshop, drain, limiter } = parts;
  const { sourceDateEpoch } = request;
  const upcoming = new UpcomingRuns(graph, options.progress);
  const platform = request.platform === undefined ? hostPlatform() : parsePlatform(request.platform);
  const operations: OperationParts = {
    store,
    now,
    workshop: () => workshop(() => upcoming.count),
    drain,
    sourceDateEpoch,
    proxyEnv: { ...request.proxyEnv, ...proxyArguments(request.buildArgs) },
    given: request,
    openVisit: parts.openVisit,
    platform: formatPlatform(platform),
    openContext: (operation) => openBuildContext(request, operation),
    fetchTree: async (operation, step, context) => {
      const { SourceFetcher } = await import('./sources/source-fetcher.js');
      return new SourceFetcher({ store, access: parts.sources, secrets: request.secrets }).fetch(
        operation,
        step,
        context,
      );
    },
    presentImage: (operation) => bases.present(operation),
    pullImage: (operation, step, context) => bases.pull(operation, step, context),
  };
  const handler = new DockerfileOperations(operations);
  const cache = new StepCache(store, parts.claim);
  return solve(
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
}

function parseTag(text: string): Reference & { readonly tag: string } {
  const { registry, repository, tag = 'latest', digest } = withDefaultTag(parseReference(text));
  if (digest === undefined) return { registry, repository, tag };
  throw new TsbuildError('REFERENCE_INVALID', `cannot name the image "${text}": a digest is not for us to choose`, {
    hint: `Give a name and a tag, as ${familiarName({ registry, repository, tag })}.`,
  });
}
