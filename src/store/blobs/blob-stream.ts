import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createVerifier } from '../../oci/verify-stream.js';
import type { BlobInfo } from '../blob-store.js';
import { asError } from '../store-error.js';

/** Bytes. Hashing a file in smaller pieces takes up to twice as long. */
const CHUNK = 1 << 20;

/**
 * The bytes of a file, checked: the last of them come only once all are those of the blob.
 * @param refuse makes the error of a file with other bytes
 */
export function streamBlob(file: FileHandle, blob: BlobInfo, refuse: (cause: unknown) => Promise<Error>): Readable {
  const next = createReader(file, blob);
  return new Readable({
    highWaterMark: CHUNK,
    read() {
      next().then(
        (chunk) => this.push(chunk),
        (error: unknown) => void refuse(error).then((refusal) => this.destroy(refusal)),
      );
    },
    destroy(error, callback) {
      // Waits for a read that is under way.
      file.close().then(
        () => {
          callback(error);
        },
        (closing: unknown) => {
          callback(error ?? asError(closing));
        },
      );
    },
  });
}

/** @returns the next chunk, or `null` after the last */
function createReader(file: FileHandle, blob: BlobInfo): () => Promise<Buffer | null> {
  const verifier = createVerifier(blob);
  let position = 0;
  let verified = false;
  return async () => {
    if (verified) return null;
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK, blob.size - position));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    position += bytesRead;
    const chunk = buffer.subarray(0, bytesRead);
    verifier.update(chunk);
    if (bytesRead === 0 || position === blob.size) {
      verifier.finish();
      verified = true;
    }
    return bytesRead === 0 ? null : chunk;
  };
}
