import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { systemErrorCode } from '../../support/errors.js';
import { BLOCK } from './erofs-format.js';

/** First in every seal, with the version of what is before it: another one is made again. */
const MAGIC = 'tsbuild erofs 1\n';

/** What an image ends with, where no kernel looks: the checksum of all before, as that of EROFS is over the superblock only. */
export function* sealed(image: Iterable<Uint8Array>): Generator<Uint8Array, void, undefined> {
  const hash = createHash('sha256');
  for (const piece of image) {
    hash.update(piece);
    yield piece;
  }
  yield sealOf(hash.digest('hex'));
}

const CHUNK = 1 << 20;

/**
 * Whether a file is an image as `writeErofs` writes it today, to the last byte. What is missing or cannot be read is none: it can
 * be made again.
 * @param path absolute
 */
export function isIntactErofs(path: string): boolean {
  try {
    const descriptor = openSync(path, 'r');
    try {
      return hasSeal(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
}

function hasSeal(descriptor: number): boolean {
  const image = fstatSync(descriptor).size - BLOCK;
  if (image < 0) return false;
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (let at = 0; at < image;) {
    const count = readSync(descriptor, buffer, 0, Math.min(CHUNK, image - at), at);
    if (count === 0) return false;
    hash.update(buffer.subarray(0, count));
    at += count;
  }
  const seal = Buffer.alloc(BLOCK);
  readSync(descriptor, seal, 0, BLOCK, image);
  return seal.equals(sealOf(hash.digest('hex')));
}

function sealOf(checksum: string): Buffer {
  const seal = Buffer.alloc(BLOCK);
  seal.write(`${MAGIC}${checksum}\n`, 'latin1');
  return seal;
}
