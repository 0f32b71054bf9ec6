import { formatReference, type Reference } from '../oci/reference.js';
import type { Store } from '../store/store.js';
import type { VertexId } from './graph.js';
import { assembleImage } from './image/assemble-image.js';
import { storeImage } from './image/store-image.js';
import { fileSystemOf, type Result } from './operations/result.js';
import { imageOf, type PlannedStage } from './plan/plan-build.js';
import type { BuildResult } from './build-request.js';

type Name = Reference & { readonly tag: string };

export interface KeptStagesOptions {
  readonly store: Store;
  readonly resultOf: (id: VertexId) => Result | undefined;
  /** Of the result: what the stages are called after. */
  readonly names: readonly Name[];
  /** RFC 3339; absent: each layer has its own time. */
  readonly epoch: string | undefined;
}

/** The root file systems of those that the target is made of. */
export function rootsOf(stages: readonly PlannedStage[]): readonly VertexId[] {
  return stages.flatMap(({ draft, isTarget }) => (isTarget ? [] : [draft.rootfs]));
}

/** Makes images of stages, whose layers are all in the store. */
export async function keepStages(
  stages: readonly PlannedStage[],
  { store, resultOf, names, epoch }: KeptStagesOptions,
): Promise<NonNullable<BuildResult['stages']>> {
  const kept: { stage: string; imageId: BuildResult['imageId']; names: readonly string[] }[] = [];
  for (const { needed, draft, isTarget } of stages) {
    const root = resultOf(draft.rootfs);
    if (isTarget || root === undefined) continue;
    const stage = needed.stage.name ?? String(needed.stage.index);
    const image = assembleImage(imageOf(draft, draft.platform), fileSystemOf(root), { epoch });
    const called = names.flatMap((name) => stageName(name, stage) ?? []);
    await storeImage(store, image, called);
    kept.push({ stage, imageId: image.config.descriptor.digest, names: called.map(formatReference) });
  }
  return kept;
}

/** The longest that a tag may be (distribution-spec, "Pulling manifests"). */
const MAX_TAG = 128;

function stageName({ registry, repository, tag }: Name, stage: string): Name | undefined {
  const own = `${tag}-${stage}`;
  return own.length <= MAX_TAG ? { registry, repository, tag: own } : undefined;
}
