import { closeSync, constants, openSync, readSync } from 'node:fs';
import { createDigester, type Digest, type DigestAlgorithm } from '../../oci/digest.js';
import { FileGrowth } from './file-growth.js';

/** Bytes. Few enough for a processor's cache: they are fetched from memory once, and not again to be digested. */
const CHUNK = 256 << 10;

export interface GrowingFile {
  /** Absolute. */
  readonly path: string;
  readonly algorithm: DigestAlgorithm;
  /** Of the `FileGrowth` that whoever writes the file tells of. */
  readonly memory: SharedArrayBuffer;
}

/**
 * The digest of a file that another thread writes meanwhile: what it reads is in the kernel's cache still. Blocks the thread.
 * @throws system errors; an error when the file has less than was written to it
 */
export function digestGrowingFile({ path, algorithm, memory }: GrowingFile): Digest {
  const digester = createDigester(algorithm);
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const buffer = Buffer.allocUnsafeSlow(CHUNK);
    let position = 0;
    for (const size of new FileGrowth(memory).sizes()) {
      while (position < size) {
        const count = readSync(descriptor, buffer, 0, Math.min(CHUNK, size - position), position);
        if (count === 0) throw new Error(`it ends after ${position} of ${size} bytes`);
        digester.update(buffer.subarray(0, count));
        position += count;
      }
    }
    return digester.finish().digest;
  } finally {
    closeSync(descriptor);
  }
}
