import { isDigest } from '../../oci/digest.js';
import type { BlobInfo } from '../../store/blob-store.js';

/** The blob that a record of kind `source` stands for, or `undefined` when it is no such record. */
export function recordedSource(record: unknown): BlobInfo | undefined {
  const { digest, size } = (record ?? {}) as Partial<Record<keyof BlobInfo, unknown>>;
  const valid =
    typeof digest === 'string' && isDigest(digest) && typeof size === 'number' && Number.isSafeInteger(size);
  return valid ? { digest, size } : undefined;
}
