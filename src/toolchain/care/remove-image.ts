import { reachedBy } from './cache-records.js';
import type { Digest } from '../../oci/digest.js';
import { familiarName } from '../../oci/reference.js';
import { collectGarbage } from '../../store/garbage/collect.js';
import { findImage, findLostImage, imageIdUnlessLost } from '../../store/images/find-image.js';
import type { StoredImage } from '../../store/image-store.js';
import type { Store } from '../../store/store.js';
import { TsbuildError } from '../../support/errors.js';
import { removeUnneededSnapshots } from './unneeded-snapshots.js';
import type { Removal } from './store-care-types.js';

export interface RemoveOptions {
  readonly store: Store;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Removes an image with several names when it is given by its id. */
  readonly force: boolean;
}

/**
 * Removes a name; with its last name an image goes, and every blob that no other image and no cache record needs.
 * @throws `IMAGE_NOT_FOUND`; `USAGE` when an id has several names and `force` is not set
 */
export async function removeImage(text: string, { store, env, force }: RemoveOptions): Promise<readonly Removal[]> {
  const lost = await findLostImage(store.images, text);
  if (lost !== undefined) return await removeLost(lost, { store, env });
  const { image, imageId, byId } = await findImage(store.images, text);
  const same = await entriesOf(store, imageId);
  const doomed = byId ? same : [image];
  if (byId && !force && doomed.length > 1) {
    throw new TsbuildError('USAGE', `cannot remove image "${text}": it has ${doomed.length} names`, {
      hint: 'Remove it by name, or all names of it with --force.',
    });
  }
  for (const entry of doomed) await store.images.remove(entry);
  const untagged = doomed.flatMap(untaggedOf);
  if (doomed.length < same.length) return untagged;
  await collect({ store, env });
  return [...untagged, { kind: 'deleted', digest: imageId }];
}

/** One without its manifest has no id. */
async function removeLost(
  image: StoredImage,
  { store, env }: Pick<RemoveOptions, 'store' | 'env'>,
): Promise<readonly Removal[]> {
  await store.images.remove(image);
  await collect({ store, env });
  return [...untaggedOf(image), { kind: 'deleted', digest: image.descriptor.digest }];
}

function untaggedOf({ name }: StoredImage): readonly Removal[] {
  return name === null ? [] : [{ kind: 'untagged', name: familiarName(name) }];
}

async function collect({ store, env }: Pick<RemoveOptions, 'store' | 'env'>): Promise<void> {
  await collectGarbage({ store, keepRecord: reachedBy });
  await removeUnneededSnapshots({ store, env, dryRun: false });
}

async function entriesOf(store: Store, imageId: Digest): Promise<readonly StoredImage[]> {
  const entries: StoredImage[] = [];
  for (const image of await store.images.list()) {
    if ((await imageIdUnlessLost(store.images, image)) === imageId) entries.push(image);
  }
  return entries;
}
