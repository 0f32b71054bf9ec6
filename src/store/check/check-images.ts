import type { Digest } from '../../oci/digest.js';
import { formatReference } from '../../oci/reference.js';
import { isTsbuildError } from '../../support/errors.js';
import { writeFileAtomic } from '../../support/atomic-file.js';
import type { StoredImage } from '../image-store.js';
import { readLayoutIndex, type LayoutIndex } from '../images/layout-index.js';
import { EMPTY_INDEX, layout } from '../layout.js';
import { pointersIn, type Pointer } from '../garbage/reached-blobs.js';
import type { Store } from '../store.js';
import { quarantined, type Finding } from './finding.js';

/** The size of a blob that is as it should be, here or in an additional store; `undefined` for any other. */
export type SoundBlobs = (digest: Digest) => Promise<number | undefined>;

/** Invariant I2: all that the name of an image reaches is there. @throws system errors */
export async function checkImages(store: Store, sound: SoundBlobs): Promise<readonly Finding[]> {
  const index = readIndex(store.root);
  if (index === undefined) return [unreadableIndex(store.root)];
  const findings: Finding[] = [];
  for (const { image } of index.entries) {
    if (image === undefined) continue;
    const lost = await firstLost(store, image, sound);
    if (lost !== undefined) findings.push(incomplete(store, image, lost));
  }
  return findings;
}

function readIndex(root: string): LayoutIndex | undefined {
  try {
    return readLayoutIndex(root);
  } catch (error) {
    if (isTsbuildError(error, 'STORE_INVALID')) return undefined;
    throw error;
  }
}

function unreadableIndex(root: string): Finding {
  const moved = quarantined(root, 'index.json', {
    invariant: 'I2',
    state: 'it is no OCI index, so no image has a name',
  });
  const repair = async (): Promise<void> => {
    await moved.repair?.();
    await writeFileAtomic(layout.index(root), EMPTY_INDEX);
  };
  return { ...moved, remedy: `${moved.remedy ?? ''} and begins an empty one`, repair };
}

function incomplete({ images }: Store, image: StoredImage, lost: Pointer): Finding {
  const name = image.name === null ? image.descriptor.digest : formatReference(image.name);
  return {
    invariant: 'I2',
    path: 'index.json',
    state: `image "${name}" needs "${lost.digest}", which is missing or damaged`,
    remedy: 'removes the name: pull, load or build the image again',
    repair: async () => {
      await images.remove(image);
    },
  };
}

/** The first part of an image that is not as its descriptor says. An index counts where the name stands for all of it. */
async function firstLost({ blobs }: Store, image: StoredImage, sound: SoundBlobs): Promise<Pointer | undefined> {
  const waiting: Pointer[] = [image.descriptor];
  if (image.index !== undefined) waiting.push(image.index);
  const seen = new Set<Digest>();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next.digest)) continue;
    seen.add(next.digest);
    if ((await sound(next.digest)) !== next.size) return next;
    if (/\b(manifest|index)\b/.test(next.mediaType)) waiting.push(...(await pointersIn(blobs, next)));
  }
  return undefined;
}
