import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { currentIdMapping } from './workshop.js';
import { listCacheMounts, removeCacheMounts } from './store/cache-mounts.js';
import type { Store } from './store/store.js';
import { systemErrorCode } from './support/errors.js';
import type { PrunedCacheMount } from './toolchain-types.js';

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
  const found = listCacheMounts(directory).map(({ id, path }) => ({
    id: shownId(id),
    bytes: bytesBelow(join(path, 'data')),
  }));
  if (!dryRun) await removeCacheMounts(directory);
  return found;
}

/** Without the slash of a namespace that is none. */
function shownId(id: string): string {
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

/** Names are bytes: decoded as text, those that are no UTF-8 would not be found again. */
function bytesBelow(top: string): number {
  const open: Buffer[] = [Buffer.from(top)];
  let bytes = 0;
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    // A step of a build may be at work in it.
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (stat.isFile()) bytes += stat.size;
    else if (stat.isDirectory()) open.push(...childrenOf(path));
  }
  return bytes;
}

function childrenOf(path: Buffer): readonly Buffer[] {
  try {
    return readdirSync(path, { encoding: 'buffer' }).map((name) => Buffer.concat([path, Buffer.from('/'), name]));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
