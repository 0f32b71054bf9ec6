import { labelOf, reachedBy } from './cache-records.js';
import { hasSnapshots } from './collect-snapshots.js';
import { gitRepositoriesOf } from '../git-repositories.js';
import type { Digest } from '../../oci/digest.js';
import { familiarName } from '../../oci/reference.js';
import { recordsOf } from '../../store/garbage/collect.js';
import { imageIdOf } from '../../store/images/find-image.js';
import type { StoredImage } from '../../store/image-store.js';
import { corruptBytes, temporaryBytes } from '../../store/garbage/leftovers.js';
import { imagesIn } from '../../store/images/layout-index.js';
import { reachedBlobs } from '../../store/garbage/reached-blobs.js';
import type { KeptRecord } from '../../store/record-store.js';
import type { Store } from '../../store/store.js';
import type { Amount, CacheUsage, DiskUsage, ImageUsage, SnapshotUsage } from './store-care-types.js';
import { isTsbuildError } from '../../support/errors.js';
import type { PrunedCacheMount } from './store-care-types.js';
import { collectSnapshotsOf, liveChains, type UnneededSnapshotsOptions } from './unneeded-snapshots.js';

export interface DiskUsageOptions extends Pick<UnneededSnapshotsOptions, 'store' | 'env' | 'signal'> {
  readonly cacheMounts: readonly PrunedCacheMount[];
}

/** What takes how much of a store, and what of it could go. Holds collections up, nothing else. @throws `STORE_IO`, `ABORTED` */
export async function measureStore(options: DiskUsageOptions): Promise<DiskUsage> {
  const { store, cacheMounts, signal } = options;
  const snapshots = await measureSnapshots(options);
  using _lock = await store.lock('shared', { signal });
  const blobs = await measureBlobs(store);
  return {
    ...blobs,
    snapshots,
    cacheMounts,
    gitRepositories: gitRepositoriesOf(store),
    layerIndexes: amountOf(store.layerIndexes.list()),
    temporary: leftIn(store),
  };
}

export function amountOf(things: readonly { readonly bytes: number }[]): Amount {
  return { count: things.length, bytes: things.reduce((sum, { bytes }) => sum + bytes, 0) };
}

function leftIn({ root }: Store): Amount {
  const sizes = [temporaryBytes(root), corruptBytes(root)].filter((bytes) => bytes > 0);
  return amountOf(sizes.map((bytes) => ({ bytes })));
}

async function measureSnapshots(options: DiskUsageOptions): Promise<readonly SnapshotUsage[]> {
  const { store } = options;
  if (!(await hasSnapshots(store))) return [];
  const live = await liveChains(store);
  const all = await collectSnapshotsOf({ ...options, dryRun: true }, new Set());
  return all.map((snapshot) => ({ ...snapshot, needed: live.has(snapshot.id) && !snapshot.torn }));
}

type BlobUsage = Pick<DiskUsage, 'images' | 'imageBytes' | 'cache' | 'cacheBytes' | 'unneeded'>;

async function measureBlobs(store: Store): Promise<BlobUsage> {
  const sizes = new Map<Digest, number>();
  for await (const { digest, size } of store.blobs.list()) sizes.set(digest, size);
  const sum = (digests: Iterable<Digest>): number => {
    let bytes = 0;
    for (const digest of digests) bytes += sizes.get(digest) ?? 0;
    return bytes;
  };
  const reached = await reachedBlobs(store);
  const named = await reachedBlobs(store, ({ image }) => image?.name !== null);
  const cached = new Set<Digest>();
  const cache: CacheUsage[] = [];
  for await (const record of recordsOf(store)) {
    const digests = reachedBy(record.record);
    for (const digest of digests) cached.add(digest);
    cache.push(cacheUsage(record, { bytes: sum(digests), shared: digests.some((digest) => reached.has(digest)) }));
  }
  const unneeded = [...sizes.keys()].filter((digest) => !reached.has(digest) && !cached.has(digest));
  return {
    images: await measureImages(store, sum),
    imageBytes: {
      all: sum(reached),
      reclaimable: sum([...reached].filter((digest) => !named.has(digest) && !cached.has(digest))),
    },
    cache: cache.sort((a, b) => a.usedAt - b.usedAt || (a.key < b.key ? -1 : 1)),
    cacheBytes: sum([...cached].filter((digest) => !reached.has(digest))),
    unneeded: { count: unneeded.length, bytes: sum(unneeded) },
  };
}

export function cacheUsage(
  { key, kind, record, usedAt }: KeptRecord,
  blob: Pick<CacheUsage, 'bytes' | 'shared'>,
): CacheUsage {
  const label = labelOf(record);
  return { key, kind, ...(label === undefined ? {} : { label }), ...blob, usedAt };
}

async function measureImages(store: Store, sum: (digests: Iterable<Digest>) => number): Promise<readonly ImageUsage[]> {
  const found = new Map<Digest, { names: string[]; reached: Set<Digest> }>();
  for (const image of imagesIn(store.root)) {
    const id = await idOf(store, image);
    const known = found.get(id) ?? { names: [], reached: new Set<Digest>() };
    if (image.name !== null) known.names.push(familiarName(image.name));
    const digest = image.descriptor.digest;
    const own = await reachedBlobs(store, (entry) => entry.image?.descriptor.digest === digest);
    for (const each of own) known.reached.add(each);
    found.set(id, known);
  }
  const users = new Map<Digest, number>();
  for (const { reached } of found.values()) for (const each of reached) users.set(each, (users.get(each) ?? 0) + 1);
  const images = [...found].map(([imageId, { names, reached }]) => {
    const shared = [...reached].filter((digest) => (users.get(digest) ?? 0) > 1);
    return { imageId, names: names.sort(), bytes: sum(reached), sharedBytes: sum(shared) };
  });
  return images.sort((a, b) => (a.imageId < b.imageId ? -1 : 1));
}

/** Of an image whose manifest is lost, its digest is all that is left to go by. */
export async function idOf(store: Pick<Store, 'images'>, image: StoredImage): Promise<Digest> {
  try {
    return await imageIdOf(store.images, image);
  } catch (error) {
    if (isTsbuildError(error)) return image.descriptor.digest;
    throw error;
  }
}
