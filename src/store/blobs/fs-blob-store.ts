import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { lutimes, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { isDigest, type Digest, type DigestAlgorithm } from '../../oci/digest.js';
import { verifyWhole } from '../../oci/verify-stream.js';
import { syncDirectory } from '../../support/atomic-file.js';
import { abortable, discard, gather, throwIfAborted } from '../../support/byte-streams.js';
import { compareBytes } from '../../support/byte-string.js';
import { isTsbuildError, systemErrorCode, TsbuildError } from '../../support/errors.js';
import { acquireFileLock } from '../../support/file-lock.js';
import type { BlobInfo, BlobStore, IngestOptions } from '../blob-store.js';
import { openBlobCheck, type BlobCheck } from './blob-check.js';
import { streamBlob } from './blob-stream.js';
import { createBlobWriter, type BlobWriter } from './blob-writer.js';
import { quarantine, refuseBlob } from './damaged-blob.js';
import { layout } from '../layout.js';
import { openPartialBlob } from './partial-blob.js';
import { onStore } from '../store-error.js';
import type { TemporaryArea } from '../temporary-area.js';

const ALGORITHMS: readonly DigestAlgorithm[] = ['sha256', 'sha512'];
const WRITE_SIZE = 1 << 20;
/** Bytes. Manifests and configs are far smaller; what claims to be larger must be streamed. */
const READ_LIMIT = 32 << 20;
/** A link or a pipe in a blob's place is neither followed nor waited for. */
export const READ_FLAGS: number = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Blobs as files named by their digests, as image-spec image-layout.md has them. */
export class FsBlobStore implements BlobStore {
  readonly #root: string;
  readonly #area: TemporaryArea;

  constructor(root: string, area: TemporaryArea) {
    this.#root = root;
    this.#area = area;
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.size(digest)) !== undefined;
  }

  async size(digest: Digest): Promise<number | undefined> {
    const found = await this.#onStore(`look up blob "${digest}"`, () =>
      lstatSync(layout.blob(this.#root, digest), { throwIfNoEntry: false }),
    );
    return found?.isFile() === true ? found.size : undefined;
  }

  async open(blob: BlobInfo): Promise<Readable> {
    const refuse = async (cause: unknown): Promise<Error> => await refuseBlob(this.#root, blob, cause);
    const file = await open(layout.blob(this.#root, blob.digest), READ_FLAGS).catch(async (error: unknown) => {
      throw await refuse(error);
    });
    try {
      const { size } = await file.stat();
      if (size !== blob.size) throw sizeMismatch(blob, size);
      return streamBlob(file, blob, refuse);
    } catch (error) {
      await file.close();
      throw await refuse(error);
    }
  }

  async read(blob: BlobInfo): Promise<Buffer> {
    if (blob.size > READ_LIMIT) throw tooLarge(blob);
    try {
      const bytes = readFile(layout.blob(this.#root, blob.digest), blob);
      verifyWhole(bytes, blob);
      return bytes;
    } catch (error) {
      throw await refuseBlob(this.#root, blob, error);
    }
  }

  async ingest(source: AsyncIterable<Uint8Array>, options: IngestOptions = {}): Promise<BlobInfo> {
    const { expect = {}, signal } = options;
    throwIfAborted('store a blob', signal);
    const known = expect.digest === undefined ? undefined : await this.#reuse(expect.digest, expect.size);
    if (known !== undefined) {
      await discard(source);
      return known;
    }
    const path = await this.#onStore('store a blob', async () => await this.#area.newPath());
    const writer = await this.#onStore('store a blob', async () => await createBlobWriter(path));
    try {
      const bytes = abortable(source, 'store a blob', signal);
      await using check = await openBlobCheck(path, { expect, signal });
      await this.#write(bytes, writer, check);
      const info = await this.#onStore('store a blob', async () => await check.finish());
      await this.#publish(path, writer, info);
      return info;
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  }

  async resume(
    blob: BlobInfo,
    open: (offset: number) => AsyncIterable<Uint8Array>,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<BlobInfo> {
    const { digest, size } = blob;
    const known = await this.#reuse(digest, size);
    if (known !== undefined) return known;
    const lock = await this.#onStore(`store blob "${digest}"`, async () => {
      return await acquireFileLock(layout.blobLock(this.#root, digest), 'exclusive', { signal });
    });
    try {
      return (await this.#reuse(digest, size)) ?? (await this.#complete(blob, open, signal));
    } finally {
      lock[Symbol.dispose]();
    }
  }

  async *list(): AsyncGenerator<BlobInfo, void, undefined> {
    for (const algorithm of ALGORITHMS) {
      for (const name of await this.#names(algorithm)) {
        const digest = `${algorithm}:${name}`;
        if (!isDigest(digest)) continue;
        const size = await this.size(digest);
        if (size !== undefined) yield { digest, size };
      }
    }
  }

  async delete(digest: Digest): Promise<void> {
    await this.#onStore(`delete blob "${digest}"`, async () => {
      await unlink(layout.blob(this.#root, digest)).catch(ignoreMissing);
    });
  }

  async #complete(
    blob: BlobInfo,
    open: (offset: number) => AsyncIterable<Uint8Array>,
    signal: AbortSignal | undefined,
  ): Promise<BlobInfo> {
    const path = layout.partial(this.#root, blob.digest);
    for (;;) {
      const partial = await this.#onStore(`store blob "${blob.digest}"`, () => openPartialBlob(path, blob.size));
      try {
        await using check = await openBlobCheck(path, { expect: blob, signal });
        await this.#onStore(`store blob "${blob.digest}"`, async () => {
          await check.replay(partial);
        });
        const rest = new Interruptible(abortable(open(partial.size), 'store a blob', signal));
        if (partial.size < blob.size) await this.#write(rest, partial.writer, check);
        rest.throwIfInterrupted();
        const info = await this.#onStore(`store blob "${blob.digest}"`, async () => await check.finish());
        await this.#publish(path, partial.writer, info);
        return info;
      } catch (error) {
        const wrong = isWrong(error);
        if (wrong || isTsbuildError(error, 'STORE_IO') || isTsbuildError(error, 'DISK_FULL')) {
          await partial.writer.abandon();
        } else {
          await partial.writer.leave();
        }
        if (!wrong || partial.size === 0) throw error;
      }
    }
  }

  async #write(source: AsyncIterable<Uint8Array>, writer: BlobWriter, check: BlobCheck): Promise<void> {
    for await (const chunk of gather(source, WRITE_SIZE)) {
      // The write goes on in another thread while this one digests, unless that is done in a third.
      const written = this.#onStore('store a blob', async () => {
        await writer.write(chunk);
      });
      try {
        check.update(chunk);
      } finally {
        await written;
      }
      check.wrote(chunk.byteLength);
    }
    writer.hurry();
  }

  /** Invariant I1: the name appears when the bytes are checked and on the disk, and then gets there itself. */
  async #publish(path: string, writer: BlobWriter, { digest, size }: BlobInfo): Promise<void> {
    await this.#onStore(`store blob "${digest}"`, async () => {
      if ((await this.#reuse(digest, size)) !== undefined) {
        await writer.abandon();
        return;
      }
      await writer.finish();
      const target = layout.blob(this.#root, digest);
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await rename(path, target).catch(async (error: unknown) => {
        // A folder, or what else cannot be replaced, is where the file should be.
        if (systemErrorCode(error) !== 'EISDIR' || (await quarantine(this.#root, digest)) === undefined) throw error;
        await rename(path, target);
      });
      await syncDirectory(dirname(target));
    });
  }

  /**
   * A blob that is there already. Its time is set to now: a collection spares what is younger than an unfinished process.
   * One of another size is damaged, and is replaced.
   */
  async #reuse(digest: Digest, size: number | undefined): Promise<BlobInfo | undefined> {
    const found = await this.size(digest);
    if (found === undefined || (size !== undefined && size !== found)) return undefined;
    try {
      const now = new Date();
      await lutimes(layout.blob(this.#root, digest), now, now);
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return undefined;
      // A store of another user, or one that may only be read: nobody collects there.
      if (!['EPERM', 'EACCES', 'EROFS'].includes(systemErrorCode(error) ?? '')) throw error;
    }
    return { digest, size: found };
  }

  async #names(algorithm: DigestAlgorithm): Promise<readonly string[]> {
    const names = await this.#onStore('list the blobs', async () => {
      return await readdir(layout.blobs(this.#root, algorithm)).catch(ignoreMissing);
    });
    return (names ?? []).toSorted(compareBytes);
  }

  async #onStore<T>(what: string, task: () => Promise<T> | T): Promise<T> {
    return await onStore(what, this.#root, task);
  }
}

/** The bytes are not the blob's. Too few of them may still be its first. */
function isWrong(error: unknown): boolean {
  return isTsbuildError(error, 'DIGEST_MISMATCH') && error.details['state'] !== 'short';
}

/** A source that ends where it fails, so that its last bytes are written before the failure is thrown. */
class Interruptible implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>;
  #interruption: { readonly error: unknown } | undefined;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.#source;
    } catch (error) {
      this.#interruption = { error };
    }
  }

  throwIfInterrupted(): void {
    if (this.#interruption !== undefined) throw this.#interruption.error;
  }
}

/** Synchronous: a warm build reads some small documents, and an asynchronous read costs it ten times as much. */
function readFile(path: string, blob: BlobInfo): Buffer {
  const descriptor = openSync(path, READ_FLAGS);
  try {
    const { size } = fstatSync(descriptor);
    if (size !== blob.size) throw sizeMismatch(blob, size);
    const bytes = Buffer.alloc(size);
    let filled = 0;
    while (filled < size) {
      const count = readSync(descriptor, bytes, filled, size - filled, filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  } finally {
    closeSync(descriptor);
  }
}

function sizeMismatch({ digest, size }: BlobInfo, found: number): TsbuildError {
  return new TsbuildError('DIGEST_MISMATCH', `cannot read blob "${digest}": it has ${found} bytes, not ${size}`);
}

function tooLarge({ digest, size }: BlobInfo): TsbuildError {
  return new TsbuildError('DOCUMENT_INVALID', `cannot read document "${digest}": it has ${size} bytes`, {
    hint: `Manifests and image configs have at most ${READ_LIMIT} bytes; this is none.`,
  });
}

function ignoreMissing(error: unknown): undefined {
  if (systemErrorCode(error) !== 'ENOENT') throw error;
}
