import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Snapshotter } from './layers/snapshotter.js';
import type { Store } from './store/store.js';
import { systemErrorCode } from './support/errors.js';

/** Removes the snapshots, of every kind there is, whose chain id is not among those to keep. They are caches of layers. */
export async function collectSnapshots(store: Store, keep: ReadonlySet<string>): Promise<void> {
  for (const mapping of await folders(store.snapshotsDirectory)) {
    for (const snapshotter of await snapshottersOf(store, join(store.snapshotsDirectory, mapping))) {
      for (const id of await snapshotter.list()) if (!keep.has(id)) await snapshotter.remove(id);
      for (const id of await snapshotter.listTorn()) await snapshotter.remove(id);
    }
  }
}

/** Whether there is anything that `collectSnapshots` could remove. */
export async function hasSnapshots(store: Store): Promise<boolean> {
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

async function snapshottersOf(store: Store, directory: string): Promise<readonly Snapshotter[]> {
  const { createOverlaySnapshotter } = await import('./layers/overlay-snapshotter.js');
  const { createCopySnapshotter } = await import('./layers/copy-snapshotter.js');
  const { temporaryDirectory } = store;
  return (['real', 'recorded'] as const).flatMap((ownership) => {
    const options = { directory, temporaryDirectory, ownership };
    return [
      createOverlaySnapshotter({ ...options, userxattr: false }),
      createOverlaySnapshotter({ ...options, userxattr: true }),
      createCopySnapshotter(options),
    ];
  });
}
