import { open } from 'node:fs/promises';
import type { Layer } from '../../oci/layer.js';
import { createDigester, digestAlgorithm } from '../../oci/digest.js';
import type { BlobReader } from '../../store/blob-store.js';
import type { LayerIndexes } from '../../store/records/layer-indexes.js';
import { onStore } from '../../store/store-error.js';
import { writeFully } from '../../support/atomic-file.js';
import { abortable } from '../../support/byte-streams.js';
import { isTsbuildError, systemErrorCode } from '../../support/errors.js';
import { WORTH_TWO_THREADS, type ContentDigester } from '../compression/content-digester.js';
import { decompress } from '../compression/decompress.js';
import type { LayerIndex } from '../index/layer-index.js';
import { loadLayerIndex, readLayerIndex } from '../index/read-layer-index.js';
import { TarReadingIndexer } from '../index/tar-indexer.js';
import type { LayerTars, UnfinishedTar } from '../snapshots/layer-tars.js';
import { contentMismatch } from './content-mismatch.js';

export interface TarBringing {
  readonly tars: LayerTars;
  readonly indexes: Pick<LayerIndexes, 'load' | 'save' | 'isUntouched'>;
  readonly blobs: Pick<BlobReader, 'open'>;
  readonly digester: ContentDigester;
  /** Called with counts of bytes of the stored blob that have just been read. */
  readonly onBytes: (layer: Layer, count: number) => void;
  readonly signal: AbortSignal;
}

/** A layer whose tar is in `tars`. */
export interface BroughtTar {
  readonly index: LayerIndex;
  /** Whether it was inflated for this. */
  readonly isNew: boolean;
}

/** Bytes. Smaller blobs are done before a thread has started. */
const WORTH_A_THREAD = 4 << 20;
/** Milliseconds between two reports of what a thread has read. */
const REPORT_EVERY = 100;

/**
 * Sees that the uncompressed tar of a layer is there, with its index. A blob that is one is read, unless nobody has written to it
 * since that was last done, as whoever mounts it reads parts of it only, and the digest is of all; any other is inflated, once.
 * @returns `undefined` when the layer has no index, as it has too many entries or is no tar
 * @throws `DIGEST_MISMATCH` for a layer whose content is not what its diffId says; `LAYER_INVALID`, `STORE_IO`, `DISK_FULL`, `ABORTED`
 */
export async function bringTar(layer: Layer, bringing: TarBringing): Promise<BroughtTar | undefined> {
  const { tars, indexes } = bringing;
  const { diffId, descriptor } = layer;
  const index = loadLayerIndex(indexes, diffId);
  const isBlob = descriptor.digest === diffId && tars.blob(diffId) !== undefined;
  const isRight = !isBlob || indexes.isUntouched(diffId);
  if (index !== undefined && isRight && tars.find(diffId, index.tarSize) !== undefined) {
    bringing.onBytes(layer, descriptor.size);
    return { index, isNew: false };
  }
  return await onStore(`read layer "${descriptor.digest}"`, tars.root, async () => {
    await using tar = isBlob ? undefined : tars.create();
    // That of a blob says as well that it was read.
    const indexed = index === undefined || isBlob;
    const bytes = await readLayer(layer, { ...bringing, tar, indexed });
    const made = indexed ? bytes && readLayerIndex(bytes) : index;
    if (made === undefined) return undefined;
    if (indexed && bytes !== undefined) {
      await indexes.save(diffId, { bytes, blob: descriptor.digest, isFileRead: isBlob });
    }
    await tar?.commit(diffId);
    return { index: made, isNew: tar !== undefined };
  });
}

interface Reading extends TarBringing {
  /** What gets the content. */
  readonly tar: UnfinishedTar | undefined;
  readonly indexed: boolean;
}

/** @returns the index, when it was asked for and the layer can have one */
async function readLayer(layer: Layer, reading: Reading): Promise<Buffer | undefined> {
  const { tar, signal } = reading;
  const blob = reading.tars.blob(layer.descriptor.digest);
  if (layer.descriptor.size >= WORTH_A_THREAD && blob !== undefined) {
    const read = await inThread(layer, blob, reading);
    if (read !== 'failed') return read;
    await tar?.restart();
  }
  signal.throwIfAborted();
  return await here(layer, reading);
}

/** When it fails, who is to blame shows when the blob is checked as well. */
async function inThread(layer: Layer, blob: string, reading: Reading): Promise<Buffer | undefined | 'failed'> {
  const { digester, tar, indexed, signal } = reading;
  const { diffId, descriptor } = layer;
  const counter = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
  using report = reporting(counter, (count) => {
    reading.onBytes(layer, count);
  });
  const file = {
    path: blob,
    algorithm: digestAlgorithm(diffId),
    apart: descriptor.size >= WORTH_TWO_THREADS,
    indexed,
    copy: tar?.path,
    counter,
  };
  try {
    const { digest, index } = await digester.digest(file, { signal });
    report.now();
    return digest === diffId ? index && Buffer.from(index.buffer, index.byteOffset, index.byteLength) : 'failed';
  } catch (error) {
    if (isTsbuildError(error, 'ABORTED') || systemErrorCode(error) === 'ENOSPC') throw error;
    return 'failed';
  }
}

interface Reporting extends Disposable {
  now(): void;
}

function reporting(counter: SharedArrayBuffer, onBytes: (count: number) => void): Reporting {
  const count = new BigInt64Array(counter);
  let reported = 0;
  const now = (): void => {
    const read = Number(Atomics.load(count, 0));
    if (read > reported) onBytes(read - reported);
    reported = read;
  };
  const timer = setInterval(now, REPORT_EVERY).unref();
  return {
    now,
    [Symbol.dispose]: () => {
      clearInterval(timer);
    },
  };
}

async function here(layer: Layer, { blobs, tar, indexed, signal }: Reading): Promise<Buffer | undefined> {
  const { diffId, descriptor } = layer;
  const digester = createDigester(digestAlgorithm(diffId));
  const indexer = indexed ? new TarReadingIndexer() : undefined;
  const blob = abortable(await blobs.open(descriptor), 'read a layer', signal);
  await using file = tar === undefined ? undefined : await open(tar.path, 'wx', 0o600);
  for await (const chunk of decompress(blob)) {
    digester.update(chunk);
    indexer?.push(chunk);
    if (file !== undefined) await writeFully(file, chunk);
  }
  const { digest } = digester.finish();
  if (digest !== diffId) throw contentMismatch(descriptor.digest, { expected: diffId, found: digest });
  return indexer?.finish(diffId);
}
