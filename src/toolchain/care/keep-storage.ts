import { recordedBlob } from './cache-records.js';
import type { ProgressSink } from '../../builder/progress.js';
import type { Digest } from '../../oci/digest.js';
import { pruneStore, type PruneParts } from './prune-store.js';
import { recordsOf } from '../../store/garbage/collect.js';
import { reachedBlobs } from '../../store/garbage/reached-blobs.js';
import type { Store } from '../../store/store.js';
import { isTsbuildError } from '../../support/errors.js';

/** Milliseconds. Whoever uses the store then uses it for longer: the next build tries again. */
const WAIT = 100;

/** Whether a build did anything, told by its events: one that did nothing has made nothing larger. */
export function watchWork(progress: ProgressSink): { readonly progress: ProgressSink; readonly worked: () => boolean } {
  let worked = false;
  return {
    progress: (event) => {
      if (event.type === 'step-done') worked = true;
      progress(event);
    },
    worked: () => worked,
  };
}

/**
 * Keeps the build cache within so many bytes, by what was not used for the longest time. Images stay, and so does everything
 * while somebody uses the store. @throws `STORE_INVALID`, `STORE_IO`
 */
export async function keepStorage(bytes: number, parts: Omit<PruneParts, 'signal' | 'cacheMounts'>): Promise<void> {
  if ((await cacheBytes(parts.store)) <= bytes) return;
  const cacheMounts = (): Promise<readonly never[]> => Promise.resolve([]);
  try {
    const options = { keepStorage: bytes, keepImages: true };
    await pruneStore(options, { ...parts, cacheMounts, signal: AbortSignal.timeout(WAIT) });
  } catch (error) {
    if (!isTsbuildError(error, 'ABORTED')) throw error;
  }
}

async function cacheBytes(store: Store): Promise<number> {
  const reached = await reachedBlobs(store);
  const sizes = new Map<Digest, number>();
  for await (const { record } of recordsOf(store)) {
    const blob = recordedBlob(record);
    if (blob !== undefined && !reached.has(blob.digest)) sizes.set(blob.digest, blob.size);
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
