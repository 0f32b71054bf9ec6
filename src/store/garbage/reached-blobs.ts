import { isDigest, type Digest } from '../../oci/digest.js';
import { isTsbuildError } from '../../support/errors.js';
import type { BlobInfo, BlobStore } from '../blob-store.js';
import { readLayoutIndex, type IndexEntry } from '../images/layout-index.js';
import type { Store } from '../store.js';

/**
 * The digests that entries of `index.json`, of this program and of others, reach down through indexes and manifests.
 * @param counts which of the entries; all unless given
 * @throws system errors: then not all that is reached is known
 */
export async function reachedBlobs(
  { root, blobs }: Pick<Store, 'root' | 'blobs'>,
  counts: (entry: IndexEntry) => boolean = () => true,
): Promise<Set<Digest>> {
  const entries = readLayoutIndex(root).entries.filter(counts);
  const reached = new Set<Digest>();
  const waiting: Pointer[] = [];
  for (const { descriptor } of entries) if (descriptor !== undefined) waiting.push(descriptor);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (reached.has(next.digest)) continue;
    reached.add(next.digest);
    if (/\b(manifest|index)\b/.test(next.mediaType)) waiting.push(...(await pointersIn(blobs, next)));
  }
  // After the walk: what a name was resolved to may be the manifest itself, whose parts have to be found.
  for (const { image } of entries) if (image?.resolved !== undefined) reached.add(image.resolved);
  return reached;
}

export interface Pointer extends BlobInfo {
  readonly mediaType: string;
}

/** Read without judgement: what is no image of ours (an artifact, a foreign index) keeps its blobs as well. */
export async function pointersIn(blobs: BlobStore, pointer: Pointer): Promise<readonly Pointer[]> {
  const document = await readDocument(blobs, pointer);
  const { config, layers, manifests, blobs: parts } = isRecord(document) ? document : {};
  return [config, layers, manifests, parts].flat().flatMap(readPointer);
}

async function readDocument(blobs: BlobStore, pointer: Pointer): Promise<unknown> {
  // Not every manifest of an index need be here.
  if (!(await blobs.has(pointer.digest))) return undefined;
  try {
    return JSON.parse((await blobs.read(pointer)).toString('utf8'));
  } catch (error) {
    // What is damaged or no document reaches nothing; when the disk fails to answer, nothing may be deleted.
    if (
      error instanceof SyntaxError ||
      isTsbuildError(error, 'DIGEST_MISMATCH') ||
      isTsbuildError(error, 'DOCUMENT_INVALID')
    ) {
      return undefined;
    }
    throw error;
  }
}

function readPointer(value: unknown): readonly Pointer[] {
  if (!isRecord(value)) return [];
  const { digest, size, mediaType } = value;
  if (typeof digest !== 'string' || !isDigest(digest) || typeof size !== 'number') return [];
  return [{ digest, size, mediaType: typeof mediaType === 'string' ? mediaType : '' }];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
