import { lstatSync } from 'node:fs';
import { isDigest, type Digest } from '../oci/digest.js';
import { isTsbuildError } from '../support/errors.js';
import type { BlobInfo, BlobStore } from './blob-store.js';
import { readLayoutIndex } from './layout-index.js';
import { layout } from './layout.js';
import type { RecordKind } from './record-store.js';
import { onStore } from './store-error.js';
import type { Store, StoreLock } from './store.js';
import { oldestClaim, removeAbandoned } from './temporary-area.js';
import { removeLeftovers } from './leftovers.js';

/** Spelled out so that the compiler finds a kind that is missing here. */
const RECORD_KINDS: Readonly<Record<RecordKind, RecordKind>> = {
  step: 'step',
  dockerfile: 'dockerfile',
  compressed: 'compressed',
  source: 'source',
};

export interface CollectOptions {
  readonly store: Store;
  /** The digests that a record reaches: blobs that a cached result needs. */
  readonly keepRecord: (record: unknown) => readonly Digest[];
  readonly signal?: AbortSignal | undefined;
}

export interface Collected {
  /** Sorted. */
  readonly deleted: readonly Digest[];
  readonly bytes: number;
}

/**
 * Deletes the blobs that no image and no record reaches, and what crashes left behind. Waits until nobody uses the store, and
 * keeps everybody out meanwhile. Blobs that another living process may have added just now are spared.
 * @throws `STORE_INVALID`, `STORE_IO`, `ABORTED`; nothing is deleted unless everything that is reached is known
 */
export async function collectGarbage({ store, keepRecord, signal }: CollectOptions): Promise<Collected> {
  const lock = await store.lock('exclusive', { signal });
  try {
    return await onStore('collect garbage', store.root, async () => await collectLocked(store, keepRecord));
  } finally {
    lock[Symbol.dispose]();
  }
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
    for await (const record of recordsOf(store)) for (const digest of mentionedIn(record)) reached.add(digest);
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

async function collectLocked(store: Store, keepRecord: CollectOptions['keepRecord']): Promise<Collected> {
  await removeAbandoned(store.root);
  await removeLeftovers(store.root, Object.values(RECORD_KINDS));
  const reached = await reachedBlobs(store);
  for await (const record of recordsOf(store)) for (const digest of keepRecord(record)) reached.add(digest);
  return await sweep(store, reached);
}

async function* recordsOf({ records }: Store): AsyncGenerator<unknown, void, undefined> {
  for (const kind of Object.values(RECORD_KINDS)) for await (const { record } of records.list(kind)) yield record;
}

function mentionedIn(record: unknown): readonly Digest[] {
  const words: readonly string[] = JSON.stringify(record).match(/sha(?:256|512):[0-9a-f]+/g) ?? [];
  return words.filter(isDigest);
}

async function sweep(store: Store, reached: ReadonlySet<Digest>): Promise<Collected> {
  const unfinishedSince = oldestClaim(store.root) ?? Infinity;
  const deleted: Digest[] = [];
  let bytes = 0;
  for await (const { digest, size } of store.blobs.list()) {
    if (reached.has(digest) || lstatSync(layout.blob(store.root, digest)).mtimeMs >= unfinishedSince) continue;
    await store.blobs.delete(digest);
    deleted.push(digest);
    bytes += size;
  }
  return { deleted, bytes };
}

/** From the entries of `index.json`, of this program and of others, down through indexes and manifests. */
async function reachedBlobs({ root, blobs }: Store): Promise<Set<Digest>> {
  const { entries } = readLayoutIndex(root);
  const reached = new Set<Digest>();
  const waiting: Pointer[] = [];
  for (const { descriptor } of entries) if (descriptor !== undefined) waiting.push(descriptor);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (reached.has(next.digest)) continue;
    reached.add(next.digest);
    if (/\b(manifest|index)\b/.test(next.mediaType)) waiting.push(...(await pointersIn(blobs, next)));
  }
  // Last: what a name was resolved to may be its manifest itself, and what is reached already is not looked into.
  for (const { image } of entries) if (image?.resolved !== undefined) reached.add(image.resolved);
  return reached;
}

interface Pointer extends BlobInfo {
  readonly mediaType: string;
}

/** Read without judgement: what is no image of ours (an artifact, a foreign index) keeps its blobs as well. */
async function pointersIn(blobs: BlobStore, pointer: Pointer): Promise<readonly Pointer[]> {
  const document = await readDocument(blobs, pointer);
  const { config, layers, manifests, blobs: parts } = isRecord(document) ? document : {};
  return [config, layers, manifests, parts].flat().flatMap(readPointer);
}

async function readDocument(blobs: BlobStore, pointer: Pointer): Promise<unknown> {
  // Not every manifest of an index need be here.
  if (!(await blobs.has(pointer.digest))) return undefined;
  try {
    return JSON.parse((await blobs.read(pointer)).toString('utf8'));
  } catch (error) {
    // What is damaged or no document reaches nothing; when the disk fails to answer, nothing may be deleted.
    if (
      error instanceof SyntaxError ||
      isTsbuildError(error, 'DIGEST_MISMATCH') ||
      isTsbuildError(error, 'DOCUMENT_INVALID')
    ) {
      return undefined;
    }
    throw error;
  }
}

function readPointer(value: unknown): readonly Pointer[] {
  if (!isRecord(value)) return [];
  const { digest, size, mediaType } = value;
  if (typeof digest !== 'string' || !isDigest(digest) || typeof size !== 'number') return [];
  return [{ digest, size, mediaType: typeof mediaType === 'string' ? mediaType : '' }];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
