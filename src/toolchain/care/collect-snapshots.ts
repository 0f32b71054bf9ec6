import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Snapshotter } from '../../layers/snapshotter.js';
import { digestHex } from '../../oci/digest.js';
import { onDisk } from '../../store/store-error.js';
import type { Store } from '../../store/store.js';
import { bytesBelow } from '../../support/directory-size.js';
import { systemErrorCode } from '../../support/errors.js';

export interface CollectSnapshotsOptions {
  readonly store: Store;
  /** Chain ids. */
  readonly keep: ReadonlySet<string>;
  /** Only tells which would go. */
  readonly dryRun: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A snapshot on the disk. */
export interface KeptSnapshot {
  /** Its chain id; the same one may be kept in several ways. */
  readonly id: string;
  readonly bytes: number;
  /** Whether a crash of the machine may have left it incomplete. */
  readonly torn: boolean;
}

/**
 * Removes the snapshots, of every kind there is, whose chain id is not among those to keep, and those that are not whole. They
 * are caches of layers. Waits until nobody uses the store. @returns which; @throws `STORE_IO`, `ABORTED`
 */
export async function collectSnapshots(options: CollectSnapshotsOptions): Promise<readonly KeptSnapshot[]> {
  const { store, dryRun, signal } = options;
  using _lock = await store.lock(dryRun ? 'shared' : 'exclusive', { signal });
  return await onDisk('remove snapshots', store.root, async () => await removeOthers(options));
}

async function removeOthers({ store, keep, dryRun }: CollectSnapshotsOptions): Promise<readonly KeptSnapshot[]> {
  const found: KeptSnapshot[] = [];
  for (const mapping of await folders(store.snapshotsDirectory)) {
    for (const { kind, snapshotter } of await snapshottersOf(store, { mapping, dryRun })) {
      const torn = new Set(await snapshotter.listTorn());
      for (const id of [...(await snapshotter.list()), ...torn]) {
        if (keep.has(id) && !torn.has(id)) continue;
        const bytes = bytesBelow(join(store.snapshotsDirectory, mapping, kind, digestHex(id)));
        found.push({ id, bytes, torn: torn.has(id) });
        if (!dryRun) await snapshotter.remove(id);
      }
    }
  }
  return found;
}

/** Whether there is anything that `collectSnapshots` could remove. */
export async function hasSnapshots(store: Pick<Store, 'snapshotsDirectory'>): Promise<boolean> {
  return (await folders(store.snapshotsDirectory)).length > 0;
}

async function folders(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

interface Kind {
  /** Its folder's name. */
  readonly kind: string;
  readonly snapshotter: Snapshotter;
}

/** Paths below the store's root of snapshots that a crash of the machine may have left incomplete. Writes nothing. */
export async function tornSnapshots({
  store,
  signal,
}: Pick<CollectSnapshotsOptions, 'store' | 'signal'>): Promise<readonly string[]> {
  using _lock = await store.lock('shared', { signal });
  const torn: string[] = [];
  for (const mapping of await folders(store.snapshotsDirectory)) {
    for (const { kind, snapshotter } of await snapshottersOf(store, { mapping, dryRun: true })) {
      for (const id of await snapshotter.listTorn()) torn.push(`snapshots/${mapping}/${kind}/${digestHex(id)}`);
    }
  }
  return torn;
}

async function snapshottersOf(
  store: Store,
  { mapping, dryRun }: { readonly mapping: string; readonly dryRun: boolean },
): Promise<readonly Kind[]> {
  const { createOverlaySnapshotter, overlayKind } = await import('../../layers/overlay-snapshotter.js');
  const { createCopySnapshotter, copyKind } = await import('../../layers/copy-snapshotter.js');
  const directory = join(store.snapshotsDirectory, mapping);
  // Asking for it makes it, which a store that is only looked at may forbid.
  const temporaryDirectory = dryRun ? '' : store.temporaryDirectory;
  return (['real', 'recorded'] as const).flatMap((ownership) => {
    const options = { directory, temporaryDirectory, ownership };
    const overlay = [false, true].map((userxattr) => ({
      kind: overlayKind({ ownership, userxattr }),
      snapshotter: createOverlaySnapshotter({ ...options, userxattr }),
    }));
    return [...overlay, { kind: copyKind({ ownership }), snapshotter: createCopySnapshotter(options) }];
  });
}
