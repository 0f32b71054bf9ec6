import { closeSync, openSync, readSync } from 'node:fs';
import type { BlockingGunzip } from './blocking-gunzip.js';
import { refuseSwollen } from './decompress.js';
import { gunzipDamaged, GZIP_MAGIC } from './gunzip.js';

/** Bytes. What it can swell to at once is a thousand times as much. */
const READ_SIZE = 64 << 10;

/** @throws system errors */
export function startsWithGzip(path: string): boolean {
  for (const chunk of chunksOf(path)) return chunk.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC);
  return false;
}

/**
 * The content of a gzip file, without a pause: for threads that do nothing else. A chunk is valid until the next is asked for.
 * Whoever takes it checks the digest of what comes (`BlockingGunzip`).
 * @param onRead is given the bytes of the file as they are read
 * @throws `LAYER_INVALID` when it is damaged, cut off or swells too much; system errors
 */
export function* inflateFile(
  path: string,
  gunzip: BlockingGunzip,
  onRead?: (chunk: Buffer) => void,
): Generator<Buffer, void, undefined> {
  let [input, output] = [0, 0];
  for (const chunk of chunksOf(path)) {
    onRead?.(chunk);
    input += chunk.length;
    for (const inflated of explained(gunzip.push(chunk))) {
      output += inflated.length;
      refuseSwollen(output, input);
      yield inflated;
    }
  }
  finish(gunzip);
}

/** Of zlib's own errors alone: what goes wrong where the bytes go to is no error of the layer. */
function* explained(inflated: Iterable<Buffer>): Generator<Buffer, void, undefined> {
  try {
    yield* inflated;
  } catch (error) {
    throw gunzipDamaged(error);
  }
}

function finish(gunzip: BlockingGunzip): void {
  try {
    gunzip.finish();
  } catch (error) {
    throw gunzipDamaged(error);
  }
}

/** Each is valid until the next is asked for. */
export function* chunksOf(path: string): Generator<Buffer, void, undefined> {
  const buffer = Buffer.allocUnsafeSlow(READ_SIZE);
  const descriptor = openSync(path, 'r');
  try {
    for (;;) {
      const count = readSync(descriptor, buffer, 0, READ_SIZE, null);
      if (count === 0) return;
      yield buffer.subarray(0, count);
    }
  } finally {
    closeSync(descriptor);
  }
}
