import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { currentIdMapping } from '../workshop/workshop.js';
import { listCacheMounts, removeCacheMounts } from '../../store/cache-mounts.js';
import type { Store } from '../../store/store.js';
import { bytesBelow } from '../../support/directory-size.js';
import { systemErrorCode } from '../../support/errors.js';
import type { PrunedCacheMount } from './store-care-types.js';

export interface PruneCacheMountsOptions {
  readonly store: Store;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/** Those that this process may remove: of its own id mapping. Waits until no build uses the store. @throws `ABORTED` */
export async function pruneCacheMounts(options: PruneCacheMountsOptions): Promise<readonly PrunedCacheMount[]> {
  const { store, dryRun, signal } = options;
  const directory = join(store.cacheMountsDirectory, currentIdMapping());
  using _lock = await store.lock(dryRun ? 'shared' : 'exclusive', { signal });
  const found = listCacheMounts(directory).map(({ id, path, usedAt }) => ({
    id: shownId(id),
    bytes: bytesBelow(join(path, 'data')),
    usedAt,
  }));
  if (!dryRun) await removeCacheMounts(directory);
  return found;
}

/** Without the slash of a namespace that is none. */
export function shownId(id: string): string {
  return id.startsWith('/') ? id.slice(1) : id;
}

/** Whether there are any, of whatever mapping. */
export function hasCacheMounts(store: Store): boolean {
  try {
    return readdirSync(store.cacheMountsDirectory).length > 0;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
