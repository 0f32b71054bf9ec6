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
import { keepStages, rootsOf } from './kept-stages.js';
import { planBuild, type PlannedStage } from './plan/plan-build.js';
import type { ProgressSink } from './progress.js';
import { solvePlan, type PlanSolution } from './solve-plan.js';

/**
 * Builds an image from a Dockerfile: parse, plan, solve, write the image and its names. What every step needs is looked up
 * first and done only when it is not remembered; the registry is asked, the sandbox made, only when they are needed.
 */
export async function build(request: BuildRequest, parts: BuilderParts, options: BuildOptions): Promise<BuildResult> {
  const names = request.tags.map(parseTag);
  const { wanted = ['image'] } = request;
  const stages: PlannedStage[] = [];
  const onStage = (stage: PlannedStage): unknown => request.saveStages === true && stages.push(stage);
  const { plan: made, bases } = await makePlan(request, parts, { ...options, onStage });
  const plan = request.squash === true ? (await import('./squash.js')).squashed(made) : made;
  plan.remarks.forEach(options.progress);
  const graph = wanted.includes('files') ? withFilesOfResult(plan.graph) : plan.graph;
  const whole = [...(wanted.includes('image') ? [plan.graph.target] : []), ...rootsOf(stages)];
  const solution = await solvePlan(graph, { request, parts, bases, options, whole });
  const { results, total, cached } = solution;
  const root = fileSystemOf(results.get(plan.graph.target));
  const image = assemble(plan, root, { request, parts, steps: solution.cache.steps });
  const elsewhere = await layersElsewhere(root, solution);
  const kept = await keep(image, names, { store: parts.store, wanted, isWhole: elsewhere.length === 0 });
  const saved = await keepStages(stages, { store: parts.store, results, names, epoch: epochOf(request, parts) });
  return {
    imageId: image.config.descriptor.digest,
    manifest: image.manifest.descriptor,
    ...kept,
    names: kept.stored ? names.map(formatReference) : [],
    steps: { total, cached },
    ...(wanted.includes('files') ? { files: onlyLayer(fileSystemOf(results.get(graph.target))) } : {}),
    ...(elsewhere.length === 0 ? {} : { elsewhere }),
    ...(saved.length === 0 ? {} : { stages: saved }),
    ...(request.wantsSteps === true ? { cache: solution.cache.steps } : {}),
  };
}

async function keep(
  image: AssembledImage,
  names: readonly (Reference & { readonly tag: string })[],
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
  const epoch = epochOf(request, parts);
  const diffIds = root.layers.map(({ diffId }) => diffId);
  const members = request.inlineCache === true ? { [INLINE_MEMBER]: inlineSteps(steps, diffIds) } : {};
  return assembleImage(plan.image, root, { epoch, annotations: request.annotations, members });
}

function epochOf(request: BuildRequest, { now }: BuilderParts): string | undefined {
  return request.sourceDateEpoch === undefined ? undefined : creationTime({ ...request, now });
}

/** Of the image, and of the steps that a cache may be made of. */
async function layersElsewhere(
  root: FileSystemResult,
  { cache, remote }: PlanSolution,
): Promise<readonly RemoteBlob[]> {
  const found = await remote.elsewhere([...root.layers, ...cache.steps.map(({ layer }) => layer)]);
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
  { onStage, ...options }: BuildOptions & { readonly onStage?: (stage: PlannedStage) => void },
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
    onStage,
  });
  const failure = report.failure();
  if (failure !== undefined) throw failure;
  return { plan, bases };
}

function parseTag(text: string): Reference & { readonly tag: string } {
  const { registry, repository, tag = 'latest', digest } = withDefaultTag(parseReference(text));
  if (digest === undefined) return { registry, repository, tag };
  throw new TsbuildError('REFERENCE_INVALID', `cannot name the image "${text}": a digest is not for us to choose`, {
    hint: `Give a name and a tag, as ${familiarName({ registry, repository, tag })}.`,
  });
}
