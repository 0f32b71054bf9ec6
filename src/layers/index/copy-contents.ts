import { closeSync, openSync, writeSync } from 'node:fs';
import type { BlobReader } from '../../store/blob-store.js';
import { abortable } from '../../support/byte-streams.js';
import { decompress } from '../compression/decompress.js';
import type { LayerContent } from './layer-content.js';
import type { IndexedFile } from './layer-index.js';

export interface CopyContentsOptions {
  readonly blobs: Pick<BlobReader, 'open'>;
  /** Absolute path of a new file that gets the contents. */
  readonly file: string;
  readonly signal: AbortSignal;
}

/**
 * Brings contents of a compressed layer to hand: the layer is inflated once, from its beginning to its end, so that its digest is
 * checked, and what is stored of the files goes into one file, one after the other.
 * @throws `DIGEST_MISMATCH`, `LAYER_INVALID`, `ABORTED`; system errors
 */
export async function copyContents(
  content: LayerContent,
  files: readonly IndexedFile[],
  { blobs, file, signal }: CopyContentsOptions,
): Promise<void> {
  const parts = partsOf(files);
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    const blob = abortable(await blobs.open(content.layer.descriptor), 'read a layer', signal);
    let [position, next] = [0, 0];
    for await (const chunk of decompress(blob)) {
      const end = position + chunk.byteLength;
      for (let part = parts[next]; part !== undefined && part.start < end; part = parts[next]) {
        const [from, to] = [Math.max(part.start, position), Math.min(part.start + part.length, end)];
        writeAll(descriptor, chunk.subarray(from - position, to - position), part.copy + from - part.start);
        if (to < part.start + part.length) break;
        next++;
      }
      position = end;
    }
  } finally {
    closeSync(descriptor);
  }
  for (const { start, copy } of parts) content.addCopy(start, { file, offset: copy });
}

interface Part {
  /** In the tar. */
  readonly start: number;
  readonly length: number;
  /** In the file of copies. */
  readonly copy: number;
}

/** In the order of the tar, each once. */
function partsOf(files: readonly IndexedFile[]): readonly Part[] {
  const lengths = new Map(files.map((file) => [file.offset, storedSize(file)]));
  let copy = 0;
  return [...lengths]
    .sort(([a], [b]) => a - b)
    .map(([start, length]) => {
      const part = { start, length, copy };
      copy += length;
      return part;
    });
}

/** Bytes of a file that are in the tar. */
export function storedSize({ size, extents }: IndexedFile): number {
  return extents === undefined ? size : extents.reduce((sum, { length }) => sum + length, 0);
}

function writeAll(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.byteLength;) {
    done += writeSync(descriptor, bytes, done, bytes.byteLength - done, position + done);
  }
}
