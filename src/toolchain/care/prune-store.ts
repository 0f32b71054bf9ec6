import { recordedBlob, reachedBy } from './cache-records.js';
import { amountOf, cacheUsage, idOf } from './disk-usage.js';
import { gitRepositoriesOf, removeGitRepositories } from '../git-repositories.js';
import type { Digest } from '../../oci/digest.js';
import { familiarName, formatReference } from '../../oci/reference.js';
import { collectGarbage, recordsOf, type Doomed } from '../../store/garbage/collect.js';
import type { StoredImage } from '../../store/image-store.js';
import { imagesIn } from '../../store/images/layout-index.js';
import { reachedBlobs } from '../../store/garbage/reached-blobs.js';
import type { KeptRecord } from '../../store/record-store.js';
import { onDisk } from '../../store/store-error.js';
import type { Store } from '../../store/store.js';
import type { Amount, PruneResult, PruneStoreOptions } from './store-care-types.js';
import { isTsbuildError } from '../../support/errors.js';
import type { PrunedCacheMount, Removal } from './store-care-types.js';
import { removeUnneededSnapshots } from './unneeded-snapshots.js';

export interface PruneParts {
  readonly store: Store;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Removes them, or only tells, as `dryRun` has it. */
  readonly cacheMounts: () => Promise<readonly PrunedCacheMount[]>;
}

/** With images left alone, those without a name too. */
interface ChosenPruning extends PruneStoreOptions {
  readonly keepImages?: boolean | undefined;
}

const NONE: Amount = { count: 0, bytes: 0 };

/**
 * Removes images without a name, what no image and no remembered result needs, and what more the options name. Waits until
 * nobody uses the store. @throws `STORE_INVALID`, `STORE_IO`, `ABORTED`
 */
export async function pruneStore(options: ChosenPruning, parts: PruneParts): Promise<PruneResult> {
  const { store, env, signal } = parts;
  const { dryRun = false, snapshots: allSnapshots = false } = options;
  let images: readonly Removal[] = [];
  const choose = async (): Promise<Doomed> => {
    const chosen = await chooseDoomed(store, options);
    images = await removalsOf(store, chosen.images);
    return chosen;
  };
  const { deleted, bytes, indexes, ...doomed } = await collectGarbage({
    store,
    keepRecord: reachedBy,
    choose,
    dryRun,
    signal,
  });
  const removed = await removeUnneededSnapshots({ store, env, dryRun, doomed, signal, all: allSnapshots });
  const { cacheMounts, gitRepositories } = await onDisk('prune the store', store.root, async () => ({
    cacheMounts: options.cacheMounts === true ? await parts.cacheMounts() : [],
    gitRepositories: await pruneGitRepositories(store, options),
  }));
  const [snapshots, layerIndexes] = [amountOf(removed), amountOf(indexes)];
  return {
    images,
    cache: doomed.records.map((record) => cacheUsage(record, { bytes: recordedSize(record), shared: false })),
    blobs: { count: deleted.length, bytes },
    snapshots,
    cacheMounts,
    gitRepositories,
    layerIndexes,
    bytes: bytes + snapshots.bytes + amountOf(cacheMounts).bytes + gitRepositories.bytes + layerIndexes.bytes,
  };
}

async function pruneGitRepositories(store: Store, { all, dryRun }: PruneStoreOptions): Promise<Amount> {
  if (all !== true) return NONE;
  return dryRun === true ? gitRepositoriesOf(store) : await removeGitRepositories(store);
}

function recordedSize({ record }: KeptRecord): number {
  return recordedBlob(record)?.size ?? 0;
}

async function chooseDoomed(store: Store, options: ChosenPruning): Promise<Doomed> {
  const images: StoredImage[] = [];
  for (const image of options.keepImages === true ? [] : imagesIn(store.root)) {
    if ((options.all === true || image.name === null) && (await isOldEnough(store, image, options))) images.push(image);
  }
  const records: KeptRecord[] = [];
  const kept: KeptRecord[] = [];
  for await (const record of recordsOf(store)) {
    const goes = isUnwanted(record, options) || (await isDangling(store, record));
    (goes ? records : kept).push(record);
  }
  const { keepStorage } = options;
  if (keepStorage === undefined) return { images, records };
  const more = leastUsed(kept, { keepStorage, needed: await neededBlobs(store, images) });
  return { images, records: [...records, ...more] };
}

/** By when it was made, as `docker image prune --filter until=` has it. What does not say counts as old. */
async function isOldEnough(
  { images }: Store,
  { descriptor }: StoredImage,
  { unusedSince }: PruneStoreOptions,
): Promise<boolean> {
  if (unusedSince === undefined) return true;
  try {
    const { created } = (await images.config(await images.manifest(descriptor))).value;
    return !(Date.parse(created ?? '') >= unusedSince);
  } catch (error) {
    if (isTsbuildError(error)) return true;
    throw error;
  }
}

function isUnwanted({ usedAt }: KeptRecord, { all, unusedSince }: PruneStoreOptions): boolean {
  return unusedSince === undefined ? all === true : usedAt < unusedSince;
}

/** Whether the blob that it stands for is gone: then it can answer nothing. */
async function isDangling(store: Store, { record }: KeptRecord): Promise<boolean> {
  for (const digest of reachedBy(record)) if (!(await store.blobs.has(digest))) return true;
  return false;
}

async function neededBlobs(store: Store, doomed: readonly StoredImage[]): Promise<ReadonlySet<Digest>> {
  const gone = new Set(doomed.map(keyOf));
  return await reachedBlobs(store, ({ image }) => image === undefined || !gone.has(keyOf(image)));
}

function keyOf({ name, descriptor }: StoredImage): string {
  return JSON.stringify([name === null ? null : formatReference(name), descriptor.digest]);
}

/** Those to go, unused for the longest time first, until the blobs that only records need fit. */
export function leastUsed(
  records: readonly KeptRecord[],
  { keepStorage, needed }: { readonly keepStorage: number; readonly needed: ReadonlySet<Digest> },
): readonly KeptRecord[] {
  const candidates = records.flatMap((record) => {
    const blob = recordedBlob(record.record);
    return blob === undefined || needed.has(blob.digest) ? [] : [{ record, blob }];
  });
  const users = new Map<Digest, number>();
  let bytes = 0;
  for (const { blob } of candidates) {
    if (!users.has(blob.digest)) bytes += blob.size;
    users.set(blob.digest, (users.get(blob.digest) ?? 0) + 1);
  }
  const going: KeptRecord[] = [];
  for (const { record, blob } of candidates.toSorted((a, b) => byUse(a.record, b.record))) {
    if (bytes <= keepStorage) break;
    const left = (users.get(blob.digest) ?? 0) - 1;
    users.set(blob.digest, left);
    if (left === 0) bytes -= blob.size;
    going.push(record);
  }
  return going;
}

function byUse(a: KeptRecord, b: KeptRecord): number {
  return a.usedAt - b.usedAt || (a.key < b.key ? -1 : 1);
}

/** As `rmi` tells of it: the names, and the id with the last of them. */
async function removalsOf(store: Store, doomed: readonly StoredImage[]): Promise<readonly Removal[]> {
  const gone = new Set(doomed.map(keyOf));
  const staying = new Set<Digest>();
  for (const image of imagesIn(store.root)) if (!gone.has(keyOf(image))) staying.add(await idOf(store, image));
  const removals: Removal[] = [];
  const ids = new Set<Digest>();
  for (const image of doomed) {
    if (image.name !== null) removals.push({ kind: 'untagged', name: familiarName(image.name) });
    ids.add(await idOf(store, image));
  }
  const deleted = [...ids].filter((id) => !staying.has(id)).map((digest): Removal => ({ kind: 'deleted', digest }));
  return [...removals, ...deleted];
}
