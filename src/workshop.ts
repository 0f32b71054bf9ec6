import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Workshop } from './builder/operations/operation-parts.js';
import type { ProgressSink } from './builder/progress.js';
import type { Store } from './store/store.js';

/** How the ids of this process are mapped (user_namespaces(7)). */
export type IdMapping = 'host' | 'full' | 'single';

/** By /proc/self/uid_map: the host's own ids, a range of them, or one. */
export function currentIdMapping(uidMap: string = readFileSync('/proc/self/uid_map', 'utf8')): IdMapping {
  const ranges = uidMap
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const total = ranges.reduce((sum, [, , length = 0]) => sum + length, 0);
  if (total >= 0xffff_ffff) return 'host';
  return total > 1 ? 'full' : 'single';
}

export interface WorkshopOptions {
  readonly store: Store;
  readonly progress: ProgressSink;
  /** How many RUN steps are to come beside those that have begun. */
  readonly upcoming: () => number;
}

/**
 * Chooses the sandbox by what the machine allows, and the snapshotter by what the sandbox can mount. The caller is root, of the
 * host or of a user namespace. Snapshots of different mappings have files of different owners, so each kind has its own folder.
 * @throws `SANDBOX_UNAVAILABLE`
 */
export async function openWorkshop({ store, progress, upcoming }: WorkshopOptions): Promise<Workshop> {
  const mapping = currentIdMapping();
  const { createSandbox } = await import('./sandbox/create-sandbox.js');
  const sandbox = await createSandbox({ temporaryDirectory: store.temporaryDirectory, isolation: 'auto', upcoming });
  if (sandbox.notice !== null) progress({ type: 'notice', message: sandbox.notice });
  const options = {
    directory: join(store.snapshotsDirectory, mapping),
    temporaryDirectory: store.temporaryDirectory,
    ownership: mapping === 'single' ? ('recorded' as const) : ('real' as const),
  };
  if (sandbox.overlay) {
    const { createOverlaySnapshotter } = await import('./layers/overlay-snapshotter.js');
    return { sandbox, snapshotter: createOverlaySnapshotter({ ...options, userxattr: mapping !== 'host' }) };
  }
  const { createCopySnapshotter } = await import('./layers/copy-snapshotter.js');
  return { sandbox, snapshotter: createCopySnapshotter(options) };
}
