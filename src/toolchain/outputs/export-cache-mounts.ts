import type { BuildResult, UsedCacheMount } from '../../builder/build-request.js';
import type { CachedMount } from '../../builder/cache/cached-mount.js';
import { tellingVariant } from './cache-mount-archives.js';
import type { CacheTarget } from './cache-target.js';
import { MEDIA_TYPE } from '../../oci/media-type.js';
import { shownId } from '../care/prune-cache-mounts.js';
import type { RemoteBlob } from '../../registry/remote-blobs.js';
import type { Store } from '../../store/store.js';
import { isTsbuildError } from '../../support/errors.js';
import type { ProgressSink } from '../../builder/progress.js';
import type { Toolchain } from '../toolchain-types.js';

export interface ExportMountsOptions {
  readonly store: Pick<Store, 'blobs'>;
  readonly cacheMounts: Pick<Toolchain, 'pruneCacheMounts' | 'exportCacheMount'>;
  readonly progress: ProgressSink;
  readonly signal: AbortSignal;
}

export interface ExportedMounts {
  readonly mounts: readonly CachedMount[];
  /** Archives that are not here, and where they are. */
  readonly elsewhere: readonly RemoteBlob[];
}

/**
 * The cache mounts of a build that are to go along. Of one that is here, its files as they are now; one that no step needed and
 * that is not here goes on as an imported cache has it.
 * @throws for a target that must succeed, what is the matter with one; system errors; `ABORTED`
 */
export async function exportMounts(
  { mounts: wanted, mustSucceed = false }: Pick<CacheTarget, 'mounts' | 'mustSucceed'>,
  { cacheMounts: used = [] }: Pick<BuildResult, 'cacheMounts'>,
  options: ExportMountsOptions,
): Promise<ExportedMounts> {
  if (wanted === undefined) return { mounts: [], elsewhere: [] };
  const { progress, cacheMounts, signal } = options;
  const chosen = used.filter(({ id }) => wanted === 'all' || wanted.includes(shownId(id)));
  tellUnused(wanted, chosen, progress);
  const all = chosen.length === 0 ? [] : await cacheMounts.pruneCacheMounts({ dryRun: true, signal });
  const here = new Set(all.map(({ id }) => id));
  const mounts: CachedMount[] = [];
  const elsewhere: RemoteBlob[] = [];
  for (const { id, imported } of chosen) {
    if (!here.has(shownId(id))) {
      mounts.push(...imported.map(({ mount }) => mount));
      elsewhere.push(...imported.map(({ mount, place }) => ({ descriptor: mount.layer.descriptor, place })));
      continue;
    }
    try {
      mounts.push(await archived(id, options));
    } catch (error) {
      if (!isTsbuildError(error) || error.code === 'ABORTED' || mustSucceed) throw error;
      progress({ type: 'warning', message: `cache mount "${shownId(id)}" stays here: ${error.message}` });
    }
  }
  return { mounts, elsewhere };
}

function tellUnused(
  wanted: NonNullable<CacheTarget['mounts']>,
  chosen: readonly UsedCacheMount[],
  progress: ProgressSink,
): void {
  if (wanted === 'all') return;
  const ids = new Set(chosen.map(({ id }) => shownId(id)));
  for (const id of wanted.filter((one) => !ids.has(one))) {
    progress({ type: 'warning', message: `cache mount "${id}" stays here: no RUN of this build has it` });
  }
}

async function archived(id: string, { store, cacheMounts, signal }: ExportMountsOptions): Promise<CachedMount> {
  let variant = '';
  const tar = tellingVariant(cacheMounts.exportCacheMount(shownId(id), { signal }), (found) => {
    variant = found;
  });
  const { digest, size } = await store.blobs.ingest(tar, { signal });
  return { id, variant, layer: { descriptor: { mediaType: MEDIA_TYPE.ociLayer, digest, size }, diffId: digest } };
}
