import type { Descriptor } from '../oci/descriptor.js';
import type { LayerMediaType } from '../oci/media-type.js';
import { familiarName, formatReference, parseReference, withDefaultTag, type Reference } from '../oci/reference.js';
import type { RemoteBlob } from '../registry/remote-blobs.js';
import type { Store } from '../store/store.js';
import { TsbuildError } from '../support/errors.js';
import { invariant } from '../support/invariant.js';
import type { BuildRequest, BuildResult, WantedResult } from './build-request.js';
import type { BuilderParts, BuildOptions } from './builder-parts.js';
import { CheckReport } from './check/check-report.js';
import { INLINE_MEMBER, inlineSteps } from './cache/cache-document.js';
import type { CachedStep } from './cache/cached-step.js';
import { withFilesOfResult } from './files-of-result.js';
import { assembleImage, type AssembledImage } from './image/assemble-image.js';
import { BaseImages } from './image/base-images.js';
import { storeDocuments, storeImage } from './image/store-image.js';
import { loadDockerfile } from './load-dockerfile.js';
import { creationTime } from './operations/step-time.js';
import { fileSystemOf, type FileSystemResult } from './operations/result.js';
import type { BaseResolver, BuildPlan } from './plan.js';
import { planBuild } from './plan/plan-build.js';
import type { ProgressSink } from './progress.js';
import { settleInOrder } from './plan/settle-in-order.js';
import { solvePlans, type PlannedBuild, type PlanSolution } from './solve-plans.js';

/**
 * Builds images from Dockerfiles: parse, plan, solve, write the image and its names. What every step needs is looked up first and
 * done only when it is not remembered; the registry is asked, the sandbox made, only when they are needed. All of it is one graph:
 * what builds have in common is done once, and the first failure stops all of them.
 * @returns a result for each request, in their order
 */
export async function buildAll(
  requests: readonly BuildRequest[],
  parts: BuilderParts,
  given: BuildOptions,
): Promise<readonly BuildResult[]> {
  const named = requests.map((request) => request.tags.map(parseTag));
  const options = requests.length === 1 ? given : { ...given, progress: sayingOnce(given.progress) };
  const bases = openBases(parts, options);
  const builds = await settleInOrder(
    requests.map(async (request) => prepare(request, await makePlan(request, bases(request), { parts, options }))),
  );
  for (const { plan } of builds) plan.remarks.forEach(options.progress);
  const solutions = await solvePlans(builds, { parts, options });
  const results: BuildResult[] = [];
  for (const [number, prepared] of builds.entries()) {
    const solution = solutions[number];
    invariant(solution !== undefined, 'a build has a solution');
    results.push(await finish(prepared, solution, { parts, names: named[number] ?? [] }));
  }
  return results;
}

/** Of builds of one Dockerfile, what is said of it is said once. */
function sayingOnce(progress: ProgressSink): ProgressSink {
  const said = new Set<string>();
  return (event) => {
    if (event.type === 'warning') {
      const text = JSON.stringify(event);
      if (said.has(text)) return;
      said.add(text);
    }
    progress(event);
  };
}

interface PreparedBuild extends PlannedBuild {
  readonly plan: BuildPlan;
  readonly wanted: readonly WantedResult[];
}

function prepare(request: BuildRequest, { plan, bases }: MadePlan): PreparedBuild {
  const { wanted = ['image'] } = request;
  return {
    request,
    plan,
    bases,
    wanted,
    graph: wanted.includes('files') ? withFilesOfResult(plan.graph) : plan.graph,
    whole: wanted.includes('image') ? plan.graph.target : undefined,
  };
}

async function finish(
  { request, plan, graph, wanted }: PreparedBuild,
  solution: PlanSolution,
  { parts, names }: { readonly parts: BuilderParts; readonly names: readonly TaggedReference[] },
): Promise<BuildResult> {
  const { resultOf, cachedSteps, steps } = solution;
  const root = fileSystemOf(resultOf(plan.graph.target));
  const image = assemble(plan, root, { request, parts, steps: cachedSteps });
  const elsewhere = await layersElsewhere(root, solution);
  const kept = await keep(image, names, { store: parts.store, wanted, isWhole: elsewhere.length === 0 });
  return {
    imageId: image.config.descriptor.digest,
    manifest: image.manifest.descriptor,
    ...kept,
    names: kept.stored ? names.map(formatReference) : [],
    steps,
    ...(wanted.includes('files') ? { files: onlyLayer(fileSystemOf(resultOf(graph.target))) } : {}),
    ...(elsewhere.length === 0 ? {} : { elsewhere }),
    ...(request.wantsSteps === true ? { cache: cachedSteps } : {}),
  };
}

async function keep(
  image: AssembledImage,
  names: readonly TaggedReference[],
  { store, wanted, isWhole }: { store: Store; wanted: readonly WantedResult[]; isWhole: boolean },
): Promise<Pick<BuildResult, 'stored' | 'forPush'>> {
  const isPushed = wanted.includes('pushed');
  if (wanted.includes('image') || (isPushed && isWhole)) {
    await storeImage(store, image, names);
    return { stored: true };
  }
  if (!isPushed) return { stored: false };
  await storeDocuments(store.blobs, image);
  return { stored: false, forPush: true };
}

function assemble(
  plan: BuildPlan,
  root: FileSystemResult,
  { request, parts, steps }: { request: BuildRequest; parts: BuilderParts; steps: readonly CachedStep[] },
): AssembledImage {
  const epoch = request.sourceDateEpoch === undefined ? undefined : creationTime({ ...request, now: parts.now });
  const diffIds = root.layers.map(({ diffId }) => diffId);
  const members = request.inlineCache === true ? { [INLINE_MEMBER]: inlineSteps(steps, diffIds) } : {};
  return assembleImage(plan.image, root, { epoch, annotations: request.annotations, members });
}

/** Of the image, and of the steps that a cache may be made of. */
async function layersElsewhere(
  root: FileSystemResult,
  { cachedSteps, remote }: PlanSolution,
): Promise<readonly RemoteBlob[]> {
  const found = await remote.elsewhere([...root.layers, ...cachedSteps.map(({ layer }) => layer)]);
  return [...new Map(found.map((blob) => [blob.descriptor.digest, blob])).values()];
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
  const quiet = { ...options, progress };
  return (await makePlan(request, openBases(parts, quiet)(request), { parts, options: quiet })).plan;
}

/** Looks base images up without building anything. */
export function baseResolver(request: BuildRequest, parts: BuilderParts, options: BuildOptions): BaseResolver {
  const bases = openBases(parts, options)(request);
  return (name, platform, source) => bases.resolve(name, platform, source);
}

/** One for all requests that ask registries alike. */
function openBases(
  { store, now, registry }: BuilderParts,
  options: BuildOptions,
): (request: BuildRequest) => BaseImages {
  const opened = new Map<boolean, BaseImages>();
  return ({ pull }) => {
    const bases = opened.get(pull) ?? new BaseImages({ ...options, store, now, registry, pull });
    opened.set(pull, bases);
    return bases;
  };
}

interface MadePlan {
  readonly plan: BuildPlan;
  readonly bases: BaseImages;
}

async function makePlan(
  request: BuildRequest,
  bases: BaseImages,
  { parts, options }: { readonly parts: BuilderParts; readonly options: BuildOptions },
): Promise<MadePlan> {
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

type TaggedReference = Reference & { readonly tag: string };

function parseTag(text: string): TaggedReference {
  const { registry, repository, tag = 'latest', digest } = withDefaultTag(parseReference(text));
  if (digest === undefined) return { registry, repository, tag };
  throw new TsbuildError('REFERENCE_INVALID', `cannot name the image "${text}": a digest is not for us to choose`, {
    hint: `Give a name and a tag, as ${familiarName({ registry, repository, tag })}.`,
  });
}
