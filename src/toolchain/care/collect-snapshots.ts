import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Snapshotter } from '../../layers/snapshotter.js';
import { digestHex, type Digest } from '../../oci/digest.js';
import type { ChainId } from '../../oci/layer.js';
import { onDisk } from '../../store/store-error.js';
import type { Store } from '../../store/store.js';
import { bytesBelow } from '../../support/directory-size.js';
import { systemErrorCode } from '../../support/errors.js';

export interface CollectSnapshotsOptions {
  readonly store: Store;
  /** Chain ids, and diffIds of layers whose tars are to stay also when no snapshot is mounted from them. */
  readonly keep: ReadonlySet<string>;
  /** Only tells which would go. */
  readonly dryRun: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A snapshot on the disk. */
export interface KeptSnapshot {
  /** Its chain id; the same one may be kept in several ways. Of a tar that no snapshot is mounted from, the layer's diffId. */
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
      const all = [...(await snapshotter.list()), ...torn];
      const going = all.filter((id) => !keep.has(id) || torn.has(id));
      const tars = await doomedTars(snapshotter, { staying: all.filter((id) => !going.includes(id)), keep });
      for (const id of going) {
        const tar = tars.takeOf(id);
        const bytes = bytesBelow(join(store.snapshotsDirectory, mapping, kind, digestHex(id)));
        found.push({ id, bytes: bytes + tar, torn: torn.has(id) });
        if (!dryRun) await snapshotter.remove(id);
      }
      found.push(...tars.rest());
      if (!dryRun) await tars.remove();
    }
  }
  return found;
}

interface DoomedTars {
  /** Bytes of the tar that goes with a snapshot; of one that several have, with the first. */
  takeOf(id: ChainId): number;
  /** Those that were taken with no snapshot: of one that was never made or finished, or whose layer is a directory. */
  rest(): readonly KeptSnapshot[];
  remove(): Promise<void>;
}

interface Staying {
  readonly staying: readonly ChainId[];
  readonly keep: ReadonlySet<string>;
}

/** Of the tars that were inflated, those that none of the snapshots that stay is mounted from, and nobody else can ask for. */
async function doomedTars({ images }: Snapshotter, { staying, keep }: Staying): Promise<DoomedTars> {
  const needed = new Set(staying.map((id) => images?.layerOf(id)));
  const torn = new Set(await images?.tars.listTorn());
  const there = [...((await images?.tars.list()) ?? []), ...torn];
  const doomed = there.filter((diffId) => !needed.has(diffId) && (torn.has(diffId) || !keep.has(diffId)));
  const left = new Map(doomed.map((diffId) => [diffId, images?.tars.bytesOf(diffId) ?? 0]));
  return {
    takeOf: (id) => {
      const diffId = images?.layerOf(id);
      const bytes = diffId === undefined ? 0 : (left.get(diffId) ?? 0);
      if (diffId !== undefined) left.delete(diffId);
      return bytes;
    },
    rest: () => [...left].map(([id, bytes]) => ({ id, bytes, torn: torn.has(id) })),
    remove: async () => {
      for (const diffId of doomed) await images?.tars.remove(diffId);
    },
  };
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
      const tars = (await snapshotter.images?.tars.listTorn()) ?? [];
      torn.push(...tars.map(pathOfTar));
    }
  }
  return torn;
}

/** Below the store's root, of one that was inflated. */
export function pathOfTar(diffId: Digest): string {
  return `snapshots/${HOST}/layer-tars/${digestHex(diffId)}`;
}

/** Of the inflated tars that snapshots are mounted from, those whose content is another one: their layers. */
export async function damagedTars(store: Store, signal: AbortSignal): Promise<readonly Digest[]> {
  using _lock = await store.lock('shared', { signal });
  const damaged: Digest[] = [];
  for (const { snapshotter } of await snapshottersOf(store, { mapping: HOST, dryRun: true })) {
    const { images } = snapshotter;
    for (const diffId of (await images?.tars.list()) ?? []) {
      signal.throwIfAborted();
      if (!(await images?.tars.isIntact(diffId))) damaged.push(diffId);
    }
  }
  return damaged;
}

export async function removeTars(store: Store, diffIds: readonly Digest[], signal: AbortSignal): Promise<void> {
  using _lock = await store.lock('exclusive', { signal });
  for (const { snapshotter } of await snapshottersOf(store, { mapping: HOST, dryRun: false })) {
    for (const diffId of diffIds) await snapshotter.images?.tars.remove(diffId);
  }
}

/** Images are mounted by the host's root alone. */
const HOST = 'host';

async function snapshottersOf(
  store: Store,
  { mapping, dryRun }: { readonly mapping: string; readonly dryRun: boolean },
): Promise<readonly Kind[]> {
  const { createOverlaySnapshotter, overlayKind } = await import('../../layers/overlay-snapshotter.js');
  const { LayerTars } = await import('../../layers/snapshots/layer-tars.js');
  const { createCopySnapshotter, copyKind } = await import('../../layers/copy-snapshotter.js');
  const directory = join(store.snapshotsDirectory, mapping);
  // Asking for it makes it, which a store that is only looked at may forbid.
  const temporaryDirectory = dryRun ? '' : store.temporaryDirectory;
  return (['real', 'recorded'] as const).flatMap((ownership) => {
    const options = { directory, temporaryDirectory, ownership };
    const overlay = [false, true].map((userxattr) => {
      const mounts = mapping === HOST && ownership === 'real' && !userxattr;
      const tars = mounts ? new LayerTars({ ...options, roots: [store.root] }) : undefined;
      return {
        kind: overlayKind({ ownership, userxattr }),
        snapshotter: createOverlaySnapshotter({ ...options, userxattr, tars }),
      };
    });
    return [...overlay, { kind: copyKind({ ownership }), snapshotter: createCopySnapshotter(options) }];
  });
}
