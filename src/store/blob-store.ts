import type { Readable } from 'node:stream';
import type { Digest } from '../oci/digest.js';

export interface BlobInfo {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

export interface BlobReader {
  has(digest: Digest): Promise<boolean>;
  /**
   * The caller consumes or destroys the stream. It fails with `DIGEST_MISMATCH` before its end if the bytes are not the ones
   * named. @throws `STORE_IO` when the blob is not there
   */
  open(blob: BlobInfo): Promise<Readable>;
  /** A small document, whole and checked. @throws `STORE_IO`, `DIGEST_MISMATCH` */
  read(blob: BlobInfo): Promise<Buffer>;
}

export interface IngestOptions {
  /** What the bytes must be; anything else is refused with `DIGEST_MISMATCH`, longer input as soon as it is too long. */
  readonly expect?: Partial<BlobInfo> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface BlobStore extends BlobReader {
  /**
   * Stores the bytes of `source` under their digest. Idempotent: success means "the content is in the store", not "this call
   * put it there". Nothing is visible under the digest before every byte is written, checked and synced (invariant I1).
   */
  ingest(source: AsyncIterable<Uint8Array>, options?: IngestOptions): Promise<BlobInfo>;
  /**
   * As `ingest`, for content that is long in coming. What has come when it breaks off (by whatever `open` throws, or an abort)
   * is kept for a day, and the next call, of this process or another, asks for the rest alone. Bytes that were kept and turn out
   * to be others are had again, once. One at a time fetches a blob: others wait, and then have it.
   * @param open gives the bytes from `offset` on
   */
  resume(
    blob: BlobInfo,
    open: (offset: number) => AsyncIterable<Uint8Array>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<BlobInfo>;
  list(): AsyncIterable<BlobInfo>;
  /** Bytes on disk, or `undefined` when it is not there. */
  size(digest: Digest): Promise<number | undefined>;
  delete(digest: Digest): Promise<void>;
}
