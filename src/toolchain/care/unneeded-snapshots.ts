import { chainOf } from './cache-records.js';
import { hasSnapshots, type KeptSnapshot } from './collect-snapshots.js';
import { chainIdsOf } from '../../oci/layer.js';
import { recordsOf, type Doomed } from '../../store/garbage/collect.js';
import type { StoredImage } from '../../store/image-store.js';
import type { Store } from '../../store/store.js';
import { isTsbuildError } from '../../support/errors.js';

export interface UnneededSnapshotsOptions {
  readonly store: Store;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Only tells which would go. */
  readonly dryRun: boolean;
  /** Images and records that count as gone. */
  readonly doomed?: Doomed | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Removes the snapshots that no image and no cache record can ask for, and those that a crash of the machine left; with `all`
 * the others too, which can be made again.
 */
export async function removeUnneededSnapshots(
  options: UnneededSnapshotsOptions & { readonly all?: boolean },
): Promise<readonly KeptSnapshot[]> {
  const { store, doomed, all = false } = options;
  if (!(await hasSnapshots(store))) return [];
  return await collectSnapshotsOf(options, all ? new Set() : await liveChains(store, doomed));
}

/** As the host's root here, else where files of other ids may be touched. @returns those not among `keep` */
export async function collectSnapshotsOf(
  { store, env, dryRun, signal }: UnneededSnapshotsOptions,
  keep: ReadonlySet<string>,
): Promise<readonly KeptSnapshot[]> {
  if (process.geteuid?.() === 0) {
    const { collectSnapshots } = await import('./collect-snapshots.js');
    return await collectSnapshots({ store, keep, dryRun, signal });
  }
  const { collectSnapshotsAsOrdinaryUser } = await import('../workshop/build-in-namespace.js');
  return await collectSnapshotsAsOrdinaryUser(keep, { store, env, dryRun, signal });
}

/** The chain ids that images and cache records can still ask for, and the diffIds of images' layers, whose tars may be kept. */
export async function liveChains(store: Store, doomed?: Doomed): Promise<ReadonlySet<string>> {
  const live = new Set<string>();
  const gone = new Set(doomed?.records.map(({ key }) => key));
  const entries = new Set(doomed?.images.map(entryKey));
  for (const image of await store.images.list()) {
    if (!entries.has(entryKey(image))) for (const id of await idsOf(store, image)) live.add(id);
  }
  for await (const { key, record } of recordsOf(store)) {
    const chain = gone.has(key) ? undefined : chainOf(record);
    if (chain !== undefined) live.add(chain);
  }
  return live;
}

function entryKey({ name, descriptor }: StoredImage): string {
  return JSON.stringify([name, descriptor.digest]);
}

/** Of an image that has lost its documents, none: it cannot be used before it has been had again. */
async function idsOf({ images }: Store, { descriptor }: StoredImage): Promise<readonly string[]> {
  try {
    const { diff_ids: diffIds } = (await images.config(await images.manifest(descriptor))).value.rootfs;
    return [...chainIdsOf(diffIds), ...diffIds];
  } catch (error) {
    if (isTsbuildError(error)) return [];
    throw error;
  }
}
