import { digestHex, type Digest } from '../../oci/digest.js';
import { familiarName, parseReference, withDefaultTag, type Reference } from '../../oci/reference.js';
import { isTsbuildError, TsbuildError } from '../../support/errors.js';
import { suggest } from '../../support/suggest.js';
import type { ImageStore, StoredImage } from '../image-store.js';

/** Digits of an id that are worth comparing: fewer are a name. */
const MIN_PREFIX = 4;

export interface FoundImage {
  readonly image: StoredImage;
  /** Digest of its config, Docker's image id. */
  readonly imageId: Digest;
  /** Whether it was named by its id or a prefix of it, which stands for all its names. */
  readonly byId: boolean;
}

/**
 * The image that a user means: by name, else by its id, the digest of its manifest or its index, or a prefix of either's digits.
 * @throws `IMAGE_NOT_FOUND`; `USAGE` when a prefix fits several
 */
export async function findImage(images: ImageStore, text: string): Promise<FoundImage> {
  const reference = referenceOf(text);
  const named = reference === undefined ? undefined : await images.find(reference);
  if (named !== undefined) return { image: named, imageId: await imageIdOf(images, named), byId: false };
  const found = await findById(images, text);
  if (found !== undefined) return found;
  throw await notFound(images, text);
}

export async function imageIdOf(images: ImageStore, image: StoredImage): Promise<Digest> {
  return (await images.manifest(image.descriptor)).value.config.digest;
}

/** `undefined` for one that has lost its manifest: it must not keep others from being found, or removed. */
export async function imageIdUnlessLost(images: ImageStore, image: StoredImage): Promise<Digest | undefined> {
  try {
    return await imageIdOf(images, image);
  } catch (error) {
    if (isLoss(error)) return undefined;
    throw error;
  }
}

/** Whether an error says that something of an image is damaged or gone, and not that the disk does not answer. */
export function isLoss(error: unknown): boolean {
  if (isTsbuildError(error, 'DIGEST_MISMATCH')) return true;
  return isTsbuildError(error, 'STORE_IO') && error.details['state'] === 'missing';
}

/** The image of a name, if it has lost its manifest: all that can be done with it is to remove it, or to have it again. */
export async function findLostImage(images: ImageStore, text: string): Promise<StoredImage | undefined> {
  const reference = referenceOf(text);
  const named = reference === undefined ? undefined : await images.find(reference);
  return named === undefined || (await imageIdUnlessLost(images, named)) !== undefined ? undefined : named;
}

function referenceOf(text: string): Reference | undefined {
  try {
    return withDefaultTag(parseReference(text));
  } catch (error) {
    // An id such as sha256:… or 64 digits is no name.
    if (isTsbuildError(error, 'REFERENCE_INVALID')) return undefined;
    throw error;
  }
}

async function findById(images: ImageStore, text: string): Promise<FoundImage | undefined> {
  const prefix = text.replace(/^sha256:/, '').toLowerCase();
  if (!/^[0-9a-f]+$/.test(prefix) || prefix.length < MIN_PREFIX) return undefined;
  const found = new Map<Digest, FoundImage>();
  for (const image of await images.list()) {
    const imageId = await imageIdUnlessLost(images, image);
    if (imageId === undefined) continue;
    const ofIndex = image.index !== undefined && digestHex(image.index.digest).startsWith(prefix);
    const candidates = [imageId, image.descriptor.digest];
    const isMeant = ofIndex || candidates.some((digest) => digestHex(digest).startsWith(prefix));
    // What an index is found by is the index, though its image may be there by itself, too.
    if (isMeant && (ofIndex || !found.has(imageId))) {
      found.set(imageId, { image, imageId, byId: true });
    }
  }
  if (found.size <= 1) return [...found.values()][0];
  throw new TsbuildError('USAGE', `cannot tell which image "${text}" is: ${found.size} ids begin so`, {
    hint: 'Give more digits of the id, or the name.',
  });
}

async function notFound(images: ImageStore, text: string): Promise<TsbuildError> {
  const names = (await images.list()).flatMap(({ name }) => (name === null ? [] : [familiarName(name)]));
  const near = suggest(text.includes(':') ? text : `${text}:latest`, names);
  return new TsbuildError('IMAGE_NOT_FOUND', `cannot find image "${text}": not in the store`, {
    hint:
      near === undefined
        ? '"tsbuild images" lists what is there; "tsbuild pull" fetches one.'
        : `Did you mean "${near}"?`,
  });
}

/** What an image is called, here and in registries. */
export interface ImageNames {
  /** Sorted. */
  readonly names: readonly string[];
  /** `repository@digest`, sorted: what it was pulled or pushed as. */
  readonly repoDigests: readonly string[];
}

/** The names of all entries that are the image with this id. */
export async function namesOf(images: ImageStore, imageId: Digest): Promise<ImageNames> {
  const names: string[] = [];
  const repoDigests = new Set<string>();
  for (const image of await images.list()) {
    const { name, resolved } = image;
    if (name === null || (await imageIdOf(images, image)) !== imageId) continue;
    names.push(familiarName(name));
    const { registry, repository } = name;
    if (resolved !== undefined) repoDigests.add(familiarName({ registry, repository, digest: resolved }));
  }
  return { names: names.sort(), repoDigests: [...repoDigests].sort() };
}
