import { existsSync } from 'node:fs';
import { reachedBy } from './cache-records.js';
import { damagedTars, hasSnapshots, pathOfTar, removeTars, tornSnapshots } from './collect-snapshots.js';
import type { Digest } from '../../oci/digest.js';
import { checkBlobs } from '../../store/check/check-blobs.js';
import { checkFiles, checkTemporary } from '../../store/check/check-files.js';
import { checkImages } from '../../store/check/check-images.js';
import { checkRecords } from '../../store/check/check-records.js';
import { checkLayerIndexes } from '../../store/check/check-layer-indexes.js';
import type { Finding } from '../../store/check/finding.js';
import { layout } from '../../store/layout.js';
import type { Store } from '../../store/store.js';
import { onStore } from '../../store/store-error.js';
import type { StoreFinding } from './store-care-types.js';
import { removeUnneededSnapshots } from './unneeded-snapshots.js';

export interface CheckStoreParts {
  readonly store: Store;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly quick: boolean;
  readonly repair: boolean;
  readonly signal: AbortSignal;
}

/**
 * Everything in a store that is not as it should be (invariant I11). A repair only removes, or puts aside in `corrupt/`; what it
 * takes away is had again by pulling or building.
 * @throws `STORE_IO`, `ABORTED`
 */
export async function checkStore(parts: CheckStoreParts): Promise<readonly StoreFinding[]> {
  const { store, repair, signal } = parts;
  const findings = await findAndRepair(parts);
  const any = await hasSnapshots(store);
  const torn = any ? await tornSnapshots({ store, signal }) : [];
  const damaged = any && !parts.quick ? await damagedTars(store, signal) : [];
  if (repair && damaged.length > 0) await removeTars(store, damaged, signal);
  // In a user namespace where it has to be, and so not under the lock that is held here.
  if (repair && torn.length > 0) await removeUnneededSnapshots({ ...parts, dryRun: false });
  const left = repair && torn.length > 0 ? await tornSnapshots({ store, signal }) : torn;
  return [
    ...findings,
    ...torn.map((path) => tornFinding(path, repair && !left.includes(path))),
    ...damaged.map((diffId) => damagedFinding(diffId, repair)),
  ];
}

async function findAndRepair({ store, quick, repair, signal }: CheckStoreParts): Promise<readonly StoreFinding[]> {
  using _lock = await store.lock(repair ? 'exclusive' : 'shared', { signal });
  return await onStore('check the store', store.root, async () => {
    const found: StoreFinding[] = [];
    for (const finding of await findAll({ store, quick, signal })) found.push(await settle(finding, repair));
    return found;
  });
}

async function findAll({
  store,
  quick,
  signal,
}: Pick<CheckStoreParts, 'store' | 'quick' | 'signal'>): Promise<readonly Finding[]> {
  const { root } = store;
  const { findings, sound: own } = await checkBlobs({ root, quick, signal });
  const sound = async (digest: Digest): Promise<number | undefined> =>
    own.get(digest) ?? (existsSync(layout.blob(root, digest)) ? undefined : await store.blobs.size(digest));
  return [
    ...findings,
    ...(await checkImages(store, sound)),
    ...(await checkRecords({ root, reachedBy, sound })),
    ...(await checkLayerIndexes(root)),
    ...checkTemporary(root),
    ...(await checkFiles(root)).filter(({ path }) => !findings.some((other) => other.path === path)),
  ];
}

async function settle({ repair, ...finding }: Finding, wanted: boolean): Promise<StoreFinding> {
  if (!wanted || repair === undefined) return { ...finding, repaired: false };
  await repair();
  return { ...finding, repaired: true };
}

function tornFinding(path: string, repaired: boolean): StoreFinding {
  const state = 'it is damaged, or may be incomplete: the machine went down before it was on the disk';
  return { invariant: 'I3', path, state, remedy: 'removes it: it is made again', repaired };
}

function damagedFinding(diffId: Digest, repaired: boolean): StoreFinding {
  const state = 'its content is not what its name says';
  return {
    invariant: 'I3',
    path: pathOfTar(diffId),
    state,
    remedy: 'removes it: the layer is inflated again',
    repaired,
  };
}
