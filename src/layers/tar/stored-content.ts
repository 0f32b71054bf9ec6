import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { ByteString } from '../../support/byte-string.js';
import { zeros, type Extent } from './sparse.js';
import { invalidTar } from './tar-format.js';

/** Content of a file that lies somewhere in another, as in a tar that is not compressed. */
export interface StoredContent {
  /** Of the other file; absolute. */
  readonly file: string;
  /** Where in it the first stored byte is. */
  readonly offset: number;
  /** Bytes, with the holes of a sparse file. */
  readonly size: number;
  /** Of a sparse file: where in it the stored bytes belong, a part at a time. */
  readonly extents?: readonly Extent[] | undefined;
  /** For messages. */
  readonly path: ByteString;
}

const READ_CHUNK = 256 * 1024;
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW;

/** Each chunk is valid until the next is asked for. @throws `LAYER_INVALID` when it is cut off; system errors */
export function* readStored(content: StoredContent): Generator<Uint8Array, void, undefined> {
  const { size, extents = [{ offset: 0, length: size }], path } = content;
  if (size === 0) return;
  const descriptor = openSync(content.file, READ_FLAGS);
  try {
    let [stored, position] = [content.offset, 0];
    for (const extent of extents) {
      yield* zeros(extent.offset - position);
      yield* readRange(descriptor, { start: stored, length: extent.length, path });
      stored += extent.length;
      position = extent.offset + extent.length;
    }
    yield* zeros(size - position);
  } finally {
    closeSync(descriptor);
  }
}

function* readRange(
  descriptor: number,
  { start, length, path }: { readonly start: number; readonly length: number; readonly path: ByteString },
): Generator<Uint8Array, void, undefined> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(READ_CHUNK, length));
  for (let done = 0; done < length;) {
    const count = readSync(descriptor, buffer, 0, Math.min(buffer.length, length - done), start + done);
    if (count === 0) throw invalidTar('it is cut off', path);
    yield buffer.subarray(0, count);
    done += count;
  }
}
