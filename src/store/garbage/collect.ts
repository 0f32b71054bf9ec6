import { lstatSync } from 'node:fs';
import { isDigest, type Digest } from '../../oci/digest.js';
import { formatReference } from '../../oci/reference.js';
import { isTsbuildError } from '../../support/errors.js';
import type { StoredImage } from '../image-store.js';
import { removeLeftovers } from './leftovers.js';
import type { KeptIndex } from '../records/layer-indexes.js';
import { layout } from '../layout.js';
import { reachedBlobs } from './reached-blobs.js';
import { RECORD_KINDS, type KeptRecord } from '../record-store.js';
import { onStore } from '../store-error.js';
import type { Store, StoreLock } from '../store.js';
import { oldestClaim, removeAbandoned } from '../temporary-area.js';

export interface CollectOptions {
  readonly store: Store;
  /** The digests that a record reaches: blobs that a cached result needs. */
  readonly keepRecord: (record: unknown) => readonly Digest[];
  /** What is to go first, chosen when nobody else uses the store; nothing unless given. */
  readonly choose?: (() => Promise<Doomed>) | undefined;
  /** Only tells what would go. */
  readonly dryRun?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a collection removes beside what nothing reaches. */
export interface Doomed {
  readonly images: readonly StoredImage[];
  readonly records: readonly KeptRecord[];
}

export interface Collected extends Doomed {
  /** Blobs, sorted. */
  readonly deleted: readonly Digest[];
  /** Of the blobs. */
  readonly bytes: number;
  /** Indexes of layers whose blob goes or has gone. */
  readonly indexes: readonly KeptIndex[];
}

/**
 * Deletes the blobs that no image and no record reaches, and what crashes left behind. Waits until nobody uses the store, and
 * keeps everybody out meanwhile. Blobs that another living process may have added just now are spared.
 * @throws `STORE_INVALID`, `STORE_IO`, `ABORTED`; nothing is deleted unless everything that is reached is known
 */
export async function collectGarbage(options: CollectOptions): Promise<Collected> {
  const { store, dryRun, signal } = options;
  using _lock = await store.lock(dryRun === true ? 'shared' : 'exclusive', { signal });
  return await onStore('collect garbage', store.root, async () => await collectLocked(options));
}

/** Milliseconds. Whoever uses the store meanwhile uses it for longer. */
const DISCARD_WAIT = 100;

/**
 * Deletes blobs that something which failed has added, unless an image or a record has come to need them, or somebody uses the
 * store right now: then they are left to a collection.
 */
export async function discardBlobs(store: Store, digests: Iterable<Digest>): Promise<void> {
  const unwanted = [...digests];
  if (unwanted.length === 0) return;
  const lock = await lockUnlessBusy(store);
  if (lock === undefined) return;
  try {
    const reached = await reachedBlobs(store);
    // What a record means is known to its owner alone; here, to be mentioned is to be needed.
    // What builds were like is kept to be told, not to be had again.
    for await (const { kind, record } of recordsOf(store)) {
      if (kind !== 'build') for (const digest of mentionedIn(record)) reached.add(digest);
    }
    for (const digest of unwanted) if (!reached.has(digest)) await store.blobs.delete(digest);
  } finally {
    lock[Symbol.dispose]();
  }
}

async function lockUnlessBusy(store: Store): Promise<StoreLock | undefined> {
  try {
    return await store.lock('exclusive', { signal: AbortSignal.timeout(DISCARD_WAIT) });
  } catch (error) {
    if (isTsbuildError(error, 'ABORTED')) return undefined;
    throw error;
  }
}

async function collectLocked({ store, keepRecord, choose, dryRun = false }: CollectOptions): Promise<Collected> {
  const doomed = (await choose?.()) ?? { images: [], records: [] };
  const [images, records] = [new Set(doomed.images.map(entryKey)), new Set(doomed.records.map(recordKey))];
  // Before anything is deleted, all that is reached has to be known.
  const reached = await reachedBlobs(store, ({ image }) => image === undefined || !images.has(entryKey(image)));
  for await (const record of recordsOf(store)) {
    if (!records.has(recordKey(record))) for (const digest of keepRecord(record.record)) reached.add(digest);
  }
  if (!dryRun) {
    await removeAbandoned(store.root);
    await removeLeftovers(store.root);
    for (const image of doomed.images) await store.images.remove(image);
    for (const { kind, key } of doomed.records) await store.records.delete(kind, key);
  }
  const swept = await sweep(store, reached, dryRun);
  return { ...doomed, ...swept, indexes: await sweepIndexes(store, swept.deleted, dryRun) };
}

function entryKey({ name, descriptor }: StoredImage): string {
  return `${name === null ? '' : formatReference(name)} ${descriptor.digest}`;
}

function recordKey({ kind, key }: Pick<KeptRecord, 'kind' | 'key'>): string {
  return `${kind} ${key}`;
}

/** All cache records, of every kind. */
export async function* recordsOf({ records }: Pick<Store, 'records'>): AsyncGenerator<KeptRecord, void, undefined> {
  for (const kind of RECORD_KINDS) for await (const record of records.list(kind)) yield { kind, ...record };
}

function mentionedIn(record: unknown): readonly Digest[] {
  const words: readonly string[] = JSON.stringify(record).match(/sha(?:256|512):[0-9a-f]+/g) ?? [];
  return words.filter(isDigest);
}

async function sweep(
  store: Store,
  reached: ReadonlySet<Digest>,
  dryRun: boolean,
): Promise<Pick<Collected, 'deleted' | 'bytes'>> {
  const unfinishedSince = oldestClaim(store.root) ?? Infinity;
  const deleted: Digest[] = [];
  let bytes = 0;
  for await (const { digest, size } of store.blobs.list()) {
    if (reached.has(digest) || changedAt(layout.blob(store.root, digest)) >= unfinishedSince) continue;
    if (!dryRun) await store.blobs.delete(digest);
    deleted.push(digest);
    bytes += size;
  }
  return { deleted, bytes };
}

async function sweepIndexes(
  { layerIndexes, blobs }: Store,
  deleted: readonly Digest[],
  dryRun: boolean,
): Promise<readonly KeptIndex[]> {
  const gone = new Set(deleted);
  const unneeded: KeptIndex[] = [];
  for (const index of layerIndexes.list()) {
    if (!gone.has(index.blob) && (await blobs.has(index.blob))) continue;
    if (!dryRun) await layerIndexes.delete(index.diffId);
    unneeded.push(index);
  }
  return unneeded;
}

/** Milliseconds since the epoch; what is gone is as young as can be. */
function changedAt(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
}
