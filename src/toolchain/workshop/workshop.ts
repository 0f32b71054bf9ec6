import { readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { BuildRequest } from '../../builder/build-request.js';
import type { Workshop } from '../../builder/operations/operation-parts.js';
import type { OverlaySnapshotterOptions } from '../../layers/overlay-snapshotter.js';
import type { Snapshotter } from '../../layers/snapshotter.js';
import { chooseSnapshotter, type SnapshotterName } from './choose-snapshotter.js';
import { digestOf } from '../../oci/digest.js';
import { bytesOfText } from '../../support/byte-string.js';
import type { ProgressSink } from '../../builder/progress.js';
import { layout } from '../../store/layout.js';
import { checkSnapshotPlace } from '../../store/file-system.js';
import type { Store } from '../../store/store.js';
import { systemErrorCode } from '../../support/errors.js';

/** Of those that unpack layers: each holds some megabytes, and images have few large layers. */
const MAX_THREADS = 8;

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
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: ProgressSink;
  /** Absent: `auto`. */
  readonly isolation?: BuildRequest['isolation'];
  /** How many RUN steps are to come beside those that have begun. */
  readonly upcoming: () => number;
}

/**
 * Chooses the sandbox by what the machine allows, and the snapshotter by what the sandbox can mount. The caller is root, of the
 * host or of a user namespace. Snapshots of different mappings have files of different owners, so each kind has its own folder.
 * @throws `SANDBOX_UNAVAILABLE`
 */
export async function openWorkshop({
  store,
  env,
  progress,
  isolation = 'auto',
  upcoming,
}: WorkshopOptions): Promise<Workshop> {
  const mapping = currentIdMapping();
  const { temporaryDirectory } = store;
  const { createSandbox } = await import('../../sandbox/create-sandbox.js');
  const sandbox = await createSandbox({ temporaryDirectory, isolation, upcoming });
  if (sandbox.notice !== null) progress({ type: 'notice', message: sandbox.notice });
  const ownership = mapping === 'single' ? 'recorded' : 'real';
  let kind: SnapshotterName;
  try {
    kind = chooseSnapshotter(env['TSBUILD_SNAPSHOTTER'], { overlay: sandbox.overlay, images: sandbox.images === true });
    await checkSnapshotPlace(store, { attributes: ownership === 'recorded', execution: kind === 'copy' });
  } catch (error) {
    await sandbox[Symbol.asyncDispose]();
    throw error;
  }
  const snapshots = {
    directory: join(store.snapshotsDirectory, mapping),
    temporaryDirectory,
    ownership,
    additional: usableRoots(store, mapping).map((root) => snapshotsOf(root, mapping)),
  } as const;
  const snapshotter = await createSnapshotter({ ...snapshots, userxattr: mapping !== 'host' }, { kind, store });
  const { CacheMounts } = await import('../../store/cache-mounts.js');
  const { TreeSnapshots } = await import('../../builder/operations/run/tree-snapshots.js');
  const treeSnapshots = new TreeSnapshots(snapshotter);
  const { createLayerThreads } = await import('../../layers/unpack/layer-threads.js');
  const threads = Math.min(availableParallelism(), MAX_THREADS);
  const layerThreads = createLayerThreads({ storeRoot: store.root, threads });
  return {
    sandbox,
    snapshotter,
    layerThreads,
    cacheMounts: new CacheMounts({ directory: join(store.cacheMountsDirectory, mapping), temporaryDirectory }),
    fillDirectory: async (directory, tar, signal) => {
      const { applyLayer } = await import('../../layers/apply/apply-layer.js');
      await applyLayer(tar, { root: bytesOfText(directory), ownership, owners: new Map(), overlay: null }, { signal });
    },
    treeSnapshots,
    // Each kind of snapshot is unpacked for itself.
    claimUnpacking: (id, options) => store.claim(digestOf(`unpack ${mapping} ${snapshotter.name} ${id}`), options),
    temporaryDirectory,
    async [Symbol.asyncDispose]() {
      await layerThreads[Symbol.asyncDispose]();
      await treeSnapshots[Symbol.asyncDispose]();
      await snapshotter.settle();
      await sandbox[Symbol.asyncDispose]();
    },
  };
}

/** Of other stores, those whose files have the owners that they would have here: made by this very user. */
function usableRoots({ additionalRoots }: Store, mapping: IdMapping): readonly string[] {
  return additionalRoots.filter((root) => ownerOf(snapshotsOf(root, mapping)) === process.geteuid?.());
}

function snapshotsOf(root: string, mapping: IdMapping): string {
  return join(layout.snapshots(root), mapping);
}

function ownerOf(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.uid;
  } catch (error) {
    // Not for us to look at.
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

async function createSnapshotter(
  options: OverlaySnapshotterOptions,
  { kind, store }: { readonly kind: SnapshotterName; readonly store: Store },
): Promise<Snapshotter> {
  if (kind === 'copy') {
    const { createCopySnapshotter } = await import('../../layers/copy-snapshotter.js');
    return createCopySnapshotter(options);
  }
  const { createOverlaySnapshotter } = await import('../../layers/overlay-snapshotter.js');
  if (kind === 'overlay') return createOverlaySnapshotter(options);
  const { LayerTars } = await import('../../layers/snapshots/layer-tars.js');
  const roots = [store.root, ...usableRoots(store, 'host')] as const;
  return createOverlaySnapshotter({ ...options, tars: new LayerTars({ ...options, roots }) });
}
