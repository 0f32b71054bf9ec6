import type { Descriptor } from '../oci/descriptor.js';
import type { IndexMediaType, LayerMediaType } from '../oci/media-type.js';
import { formatPlatform, parsePlatform } from '../oci/platform.js';
import { formatReference, type Reference } from '../oci/reference.js';
import type { RemoteBlob } from '../registry/remote-blobs.js';
import { invariant } from '../support/invariant.js';
import type { BuildRequest, BuildResult, PlatformImage, UsedCacheMount } from './build-request.js';
import type { BuilderParts } from './builder-parts.js';
import { INLINE_MEMBER, inlineSteps } from './cache/cache-document.js';
import { assembleImage, type AssembledImage, type Document } from './image/assemble-image.js';
import { assembleIndex, type IndexedImage } from './image/assemble-index.js';
import { annotationsAt } from './image/placed-annotations.js';
import { nameImage, storeDocument, storeDocuments } from './image/store-image.js';
import { mainOf } from './joint/platform-requests.js';
import { creationTime } from './operations/step-time.js';
import { fileSystemOf, type FileSystemResult } from './operations/result.js';
import { keepStages } from './kept-stages.js';
import type { BuildPlan } from './plan.js';
import type { PlannedStage } from './plan/plan-build.js';
import type { PlannedBuild, PlanSolution } from './solve-plans.js';

/** A build for one platform, and what came of its graph. */
export interface SolvedBuild extends PlannedBuild {
  readonly plan: BuildPlan;
  /** Those that become images, too. */
  readonly stages: readonly PlannedStage[];
  readonly solution: PlanSolution;
}

export type TaggedReference = Reference & { readonly tag: string };

interface BuiltImage extends PlatformImage {
  readonly assembled: AssembledImage;
  readonly root: FileSystemResult;
}

export interface FinishingParts extends BuilderParts {
  readonly signal: AbortSignal;
  /** The index in the store that the images are added to. */
  readonly list: TaggedReference | undefined;
}

/**
 * Writes the documents of what a request gave, an image or one for each of its platforms and the index of them, and last its
 * names.
 * @param builds for its platforms, in their order
 */
export async function finishBuild(
  builds: readonly SolvedBuild[],
  names: readonly TaggedReference[],
  parts: FinishingParts,
): Promise<BuildResult> {
  const images = builds.map((build) => builtImage(build, parts));
  const [first] = builds;
  const main = mainOf(images);
  invariant(first !== undefined && main !== undefined, 'a request is for one platform at least');
  const { request } = first;
  const index = images.length === 1 ? undefined : indexOf(images, request);
  const cache = [...new Set(builds.flatMap(({ solution }) => solution.cachedSteps))];
  const elsewhere = await layersElsewhere(images, builds);
  const isWhole = elsewhere.length === 0;
  const kept = await keep({ images, index, main }, names, { parts, request, isWhole });
  const manifestList = await addToManifestList(images, request, parts);
  const stages = await keepAllStages(builds, names, parts);
  return {
    imageId: main.imageId,
    manifest: main.manifest,
    platform: main.platform,
    ...(index === undefined ? { files: main.files } : { index: index.descriptor, images: images.map(shown) }),
    ...kept,
    names: kept.stored ? names.map(formatReference) : [],
    steps: {
      total: new Set(builds.flatMap(({ solution }) => solution.steps)).size,
      cached: new Set(builds.flatMap(({ solution }) => solution.remembered)).size,
    },
    ...(manifestList === undefined ? {} : { manifestList }),
    ...(isWhole ? {} : { elsewhere }),
    ...(stages.length === 0 ? {} : { stages }),
    ...(request.wantsSteps === true ? { cache } : {}),
    ...(request.wantsMounts === true ? { cacheMounts: await usedCacheMounts(builds) } : {}),
    ...(first.lock?.mode === 'refresh' ? { pins: first.lock.found } : {}),
  };
}

/** Names say nothing of a platform: of several, stages are known by their ids. */
async function keepAllStages(
  builds: readonly SolvedBuild[],
  named: readonly TaggedReference[],
  { store, now }: BuilderParts,
): Promise<NonNullable<BuildResult['stages']>> {
  const names = builds.length === 1 ? named : [];
  const kept = builds.map(async ({ request, stages, solution: { resultOf } }) => {
    const epoch = request.sourceDateEpoch === undefined ? undefined : creationTime({ ...request, now });
    return await keepStages(stages, { store, resultOf, names, epoch });
  });
  return (await Promise.all(kept)).flat();
}

async function usedCacheMounts(builds: readonly SolvedBuild[]): Promise<readonly UsedCacheMount[]> {
  const operations = builds.flatMap(({ plan }) => [...plan.graph.vertices.values()].map(({ operation }) => operation));
  const mounts = operations.flatMap((operation) => (operation.kind === 'run' ? operation.mounts : []));
  const ids = new Set(mounts.flatMap((mount) => (mount.type === 'cache' ? [mount.id] : [])));
  const imports = [...new Set(builds.flatMap(({ solution }) => solution.imports))];
  const used = [...ids].sort().map(async (id): Promise<UsedCacheMount> => {
    const found = imports.map(async (from) => (await from.mountsOf(id)).map((mount) => ({ mount, place: from.place })));
    return { id, imported: (await Promise.all(found)).flat() };
  });
  return await Promise.all(used);
}

function shown({ platform, imageId, manifest, files }: BuiltImage): PlatformImage {
  return { platform, imageId, manifest, files };
}

function builtImage({ request, plan, graph, solution }: SolvedBuild, parts: BuilderParts): BuiltImage {
  const root = fileSystemOf(solution.resultOf(plan.graph.target));
  const platform = formatPlatform(plan.image.platform);
  const epoch = request.sourceDateEpoch === undefined ? undefined : creationTime({ ...request, now: parts.now });
  const diffIds = root.layers.map(({ diffId }) => diffId);
  const steps = solution.cachedSteps;
  const members = request.inlineCache === true ? { [INLINE_MEMBER]: inlineSteps(steps, diffIds) } : {};
  const annotations = annotationsAt('manifest', request, platform);
  const assembled = assembleImage(plan.image, root, { epoch, annotations, members });
  const isOfFiles = graph.target !== plan.graph.target;
  return {
    platform,
    imageId: assembled.config.descriptor.digest,
    manifest: assembled.manifest.descriptor,
    ...(isOfFiles ? { files: onlyLayer(fileSystemOf(solution.resultOf(graph.target))) } : {}),
    assembled,
    root,
  };
}

async function addToManifestList(
  images: readonly BuiltImage[],
  request: BuildRequest,
  parts: FinishingParts,
): Promise<BuildResult['manifestList']> {
  if (parts.list === undefined) return undefined;
  const { addToList } = await import('./image/manifest-list.js');
  const { name, ...list } = await addToList(parts.list, entriesOf(images, request), parts);
  return { name: formatReference(name), ...list };
}

function indexOf(images: readonly BuiltImage[], request: BuildRequest): Document<IndexMediaType> {
  return assembleIndex(entriesOf(images, request), annotationsAt('index', request));
}

function entriesOf(images: readonly BuiltImage[], request: BuildRequest): readonly IndexedImage[] {
  return images.map(({ manifest, platform }) => ({
    manifest,
    platform: parsePlatform(platform),
    annotations: annotationsAt('manifest-descriptor', request, platform),
  }));
}

interface Documents {
  readonly images: readonly BuiltImage[];
  readonly index: Document<IndexMediaType> | undefined;
  readonly main: BuiltImage;
}

async function keep(
  { images, index, main }: Documents,
  names: readonly TaggedReference[],
  options: { readonly parts: BuilderParts; readonly request: BuildRequest; readonly isWhole: boolean },
): Promise<Pick<BuildResult, 'stored' | 'forPush'>> {
  const { wanted = ['image'] } = options.request;
  const { store } = options.parts;
  const isPushed = wanted.includes('pushed');
  const isListed = options.request.manifestList !== undefined;
  const isStored = wanted.includes('image') || isListed || (isPushed && options.isWhole);
  if (!isStored && !isPushed) return { stored: false };
  for (const { assembled } of images) await storeDocuments(store.blobs, assembled);
  if (index !== undefined) await storeDocument(store.blobs, index);
  if (!isStored) return { stored: false, forPush: true };
  await nameImage(store.images, { descriptor: main.manifest, index: index?.descriptor }, names);
  return { stored: true };
}

/** Of the images, and of the steps that a cache may be made of. */
async function layersElsewhere(
  images: readonly BuiltImage[],
  builds: readonly SolvedBuild[],
): Promise<readonly RemoteBlob[]> {
  const found: RemoteBlob[] = [];
  for (const [number, { solution }] of builds.entries()) {
    const { cachedSteps, remote } = solution;
    const layers = [...(images[number]?.root.layers ?? []), ...cachedSteps.map(({ layer }) => layer)];
    found.push(...(await remote.elsewhere(layers)));
  }
  return [...new Map(found.map((blob) => [blob.descriptor.digest, blob])).values()];
}

function onlyLayer({ layers }: FileSystemResult): Descriptor<LayerMediaType> {
  const [layer, ...more] = layers;
  invariant(layer !== undefined && more.length === 0, 'the files of a result are one layer');
  return layer.descriptor;
}
