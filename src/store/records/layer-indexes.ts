import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isDigest, type Digest } from '../../oci/digest.js';
import { writeFileAtomic } from '../../support/atomic-file.js';
import { systemErrorCode } from '../../support/errors.js';
import { fileStamp, sameStamp, type FileStamp } from '../../support/file-stamp.js';
import { READ_FLAGS } from '../blobs/fs-blob-store.js';
import { layout } from '../layout.js';
import { namesIn } from './names-in.js';
import { onStore } from '../store-error.js';

/** An index of a layer's tar (`layers/index/`), and the blob it was made from, which it is kept as long as. */
export interface SavedIndex {
  readonly bytes: Uint8Array;
  readonly blob: Digest;
  /** Whether the bytes that it was made from are known to be those of the store's file: all of it was read, or it was just written. */
  readonly isFileRead?: boolean | undefined;
}

export interface KeptIndex {
  readonly diffId: Digest;
  readonly blob: Digest;
  /** On the disk. */
  readonly bytes: number;
}

/**
 * The indexes of layers, by diffId: derived from bytes whose digest was checked, and made again when they are lost. A file that is
 * damaged counts as absent.
 */
export class LayerIndexes {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Whether there is one, be it damaged. */
  has(diffId: Digest): boolean {
    return existsSync(layout.layerIndex(this.#root, diffId));
  }

  /** `undefined` when there is none that is as it was saved. */
  load(diffId: Digest): Buffer | undefined {
    const path = layout.layerIndex(this.#root, diffId);
    const file = readIfPossible(path, (descriptor) => readFileSync(descriptor));
    return file === undefined ? undefined : contentOf(file);
  }

  /**
   * Whether the layer's blob is the tar itself, and nobody has written to its file since all of it was seen to be right. Such a
   * blob is on the disk before it has its name, so that this holds across boots.
   */
  isUntouched(diffId: Digest): boolean {
    const saved = readHeader(layout.layerIndex(this.#root, diffId));
    return saved?.blob === diffId && sameStamp(saved.stamp, fileStamp(layout.blob(this.#root, diffId)));
  }

  /** Atomic. @throws `STORE_IO`, `DISK_FULL` */
  async save(diffId: Digest, { bytes, blob, isFileRead = false }: SavedIndex): Promise<void> {
    const path = layout.layerIndex(this.#root, diffId);
    await onStore(`save the index of layer "${diffId}"`, this.#root, async () => {
      mkdirSync(layout.layerIndexes(this.#root), { recursive: true, mode: 0o700 });
      const stamp = isFileRead ? fileStamp(layout.blob(this.#root, blob)) : undefined;
      const header = Buffer.from(encodeHeader({ blob, checksum: checksumOf(blob, bytes), stamp }));
      // Not synced: what a crash of the machine leaves of it, the checksum tells.
      await writeFileAtomic(path, Buffer.concat([header, bytes]), { durable: false });
    });
  }

  async delete(diffId: Digest): Promise<void> {
    const path = layout.layerIndex(this.#root, diffId);
    await onStore(`remove the index of layer "${diffId}"`, this.#root, async () => {
      await unlink(path).catch((error: unknown) => {
        if (systemErrorCode(error) !== 'ENOENT') throw error;
      });
    });
  }

  /** Sorted by name; without those that are damaged at their beginning. */
  list(): readonly KeptIndex[] {
    const directory = layout.layerIndexes(this.#root);
    return namesIn(directory).flatMap((name) => {
      const diffId = diffIdOf(name);
      const path = join(directory, name);
      const blob = diffId === undefined ? undefined : readHeader(path)?.blob;
      const size = statSync(path, { throwIfNoEntry: false })?.size;
      return diffId === undefined || blob === undefined || size === undefined ? [] : [{ diffId, blob, bytes: size }];
    });
  }
}

/** Of the name of a file; `undefined` for one that is none of an index. */
export function diffIdOf(name: string): Digest | undefined {
  const digest = name.replace('-', ':');
  return name.includes(':') || !isDigest(digest) ? undefined : digest;
}

/** Of a file, what was saved in it; `undefined` when it is damaged. */
export function contentOf(file: Buffer): Buffer | undefined {
  const header = decodeHeader(file);
  if (header === undefined) return undefined;
  const bytes = file.subarray(file.indexOf('\n') + 1);
  return header.checksum === checksumOf(header.blob, bytes) ? bytes : undefined;
}

/** The first line of a file. */
interface Header {
  readonly blob: Digest;
  readonly checksum: string;
  /** What the blob's file was like when all of it had been read. */
  readonly stamp: FileStamp | undefined;
}

/** Bytes: a digest of the longest kind, a checksum, a size and a time, with spaces between. */
const MAX_HEADER = 256;

function encodeHeader({ blob, checksum, stamp }: Header): string {
  const fields = [blob, checksum, ...(stamp === undefined ? [] : [String(stamp.size), stamp.mtime])];
  return `${fields.join(' ')}\n`;
}

/** Of a file, or of its beginning. */
function decodeHeader(bytes: Buffer): Header | undefined {
  const end = bytes.subarray(0, MAX_HEADER).indexOf('\n');
  const [blob = '', checksum = '', size, mtime] = bytes.toString('latin1', 0, Math.max(end, 0)).split(' ');
  if (!isDigest(blob)) return undefined;
  return { blob, checksum, stamp: mtime === undefined ? undefined : { size: Number(size), mtime } };
}

function readHeader(path: string): Header | undefined {
  const bytes = Buffer.alloc(MAX_HEADER);
  const count = readIfPossible(path, (descriptor) => readSync(descriptor, bytes, 0, MAX_HEADER, 0));
  return count === undefined ? undefined : decodeHeader(bytes.subarray(0, count));
}

function checksumOf(blob: Digest, bytes: Uint8Array): string {
  return createHash('sha256').update(`${blob}\n`).update(bytes).digest('hex');
}

/** `undefined` for what is missing, is no file, or cannot be read: it is a cache of what can be had again. */
function readIfPossible<T>(path: string, read: (descriptor: number) => T): T | undefined {
  try {
    const descriptor = openSync(path, READ_FLAGS);
    try {
      return read(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}
