import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isDigest, type Digest } from '../../oci/digest.js';
import { writeFileAtomic } from '../../support/atomic-file.js';
import { systemErrorCode } from '../../support/errors.js';
import { READ_FLAGS } from '../blobs/fs-blob-store.js';
import { layout } from '../layout.js';
import { namesIn } from './names-in.js';
import { onStore } from '../store-error.js';

/** An index of a layer's tar (`layers/index/`), and the blob it was made from, which it is kept as long as. */
export interface SavedIndex {
  readonly bytes: Uint8Array;
  readonly blob: Digest;
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

  /** Atomic. @throws `STORE_IO`, `DISK_FULL` */
  async save(diffId: Digest, { bytes, blob }: SavedIndex): Promise<void> {
    const path = layout.layerIndex(this.#root, diffId);
    await onStore(`save the index of layer "${diffId}"`, this.#root, async () => {
      mkdirSync(layout.layerIndexes(this.#root), { recursive: true, mode: 0o700 });
      const header = Buffer.from(`${blob} ${checksumOf(blob, bytes)}\n`);
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
      const blob = diffId === undefined ? undefined : blobOf(path);
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
  const end = file.indexOf('\n');
  const [blob = '', checksum] = file.toString('latin1', 0, Math.min(Math.max(end, 0), MAX_HEADER)).split(' ');
  const bytes = file.subarray(end + 1);
  return isDigest(blob) && checksum === checksumOf(blob, bytes) ? bytes : undefined;
}

/** Bytes: a digest of the longest kind, a space and a checksum. */
const MAX_HEADER = 256;

function checksumOf(blob: Digest, bytes: Uint8Array): string {
  return createHash('sha256').update(`${blob}\n`).update(bytes).digest('hex');
}

function blobOf(path: string): Digest | undefined {
  const header = Buffer.alloc(MAX_HEADER);
  readIfPossible(path, (descriptor) => readSync(descriptor, header, 0, MAX_HEADER, 0));
  const blob = header.toString('latin1').split(' ')[0] ?? '';
  return isDigest(blob) ? blob : undefined;
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
