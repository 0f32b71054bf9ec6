import { createReadStream } from 'node:fs';
import { createDigester, digestAlgorithm, type Digest, type Digester } from '../../oci/digest.js';
import { createVerifier, type Verifier } from '../../oci/verify-stream.js';
import type { BlobInfo } from '../../store/blob-store.js';
import type { ByteString } from '../../support/byte-string.js';
import { applyChunks, applyLayer } from '../apply/apply-layer.js';
import type { LayerTarget } from '../apply/layer-writer.js';
import { BlockingGunzip } from '../compression/blocking-gunzip.js';
import { decompress } from '../compression/decompress.js';
import { inflateFile, startsWithGzip } from '../compression/inflate-file.js';
import type { Owner, OwnerMap, Ownership } from '../files/ownership.js';
import { TarIndexer } from '../index/tar-indexer.js';
import { createLayersTree } from '../layers-tree.js';
import { awaitedTree } from './awaited-tree.js';
import { contentMismatch } from './content-mismatch.js';
import { ReceivedLayers, type LayersBelow } from './layers-below.js';
import { observed } from '../../support/byte-streams.js';

/** A layer to unpack by itself, in a thread. */
export interface LayerJob {
  /** Absolute path of the blob in the store. */
  readonly path: string;
  readonly blob: BlobInfo;
  readonly diffId: Digest;
  /** Absolute path of the empty directory that gets the layer's files, in the form that overlayfs mounts. */
  readonly root: ByteString;
  readonly ownership: Ownership;
  readonly opaqueXattr: ByteString;
  readonly below: LayersBelow;
  /**
   * Whether zlib is to work in a thread of its own: for a layer with more in it than all others, which would keep one thread busy
   * when the rest are done. It takes a fifth more work.
   */
  readonly overlapped: boolean;
  /** Whether an index of the layer is to be made on the way. */
  readonly indexed: boolean;
}

export interface UnpackedLayer {
  /** Owners that are recorded beside the snapshot. */
  readonly owners: OwnerMap;
  /** Of the layer, when it was asked for and the layer is not too large for one. */
  readonly index: Uint8Array | undefined;
}

/** Bytes that are read between two reports of them. */
const REPORT = 1 << 20;

/**
 * Returns when the layer's files are there, those of all layers below, and both the blob and its content are what they have to be.
 * @throws `DIGEST_MISMATCH`, and what `applyLayer` throws; `ABORTED` when a layer below failed
 */
export async function unpackLayerJob(job: LayerJob): Promise<UnpackedLayer> {
  using below = new ReceivedLayers(job.below);
  const { ownership, opaqueXattr } = job;
  const owners = new Map<ByteString, Owner>();
  const tree = awaitedTree(() => createLayersTree({ layers: below.wait(), ownership, opaqueXattr }));
  const overlay = { below: tree, opaqueXattr, takesRoot: true };
  const index = await applyBlob(job, { root: job.root, ownership, owners, overlay }, below);
  below.wait();
  return { owners, index };
}

async function applyBlob(job: LayerJob, target: LayerTarget, below: ReceivedLayers): Promise<Uint8Array | undefined> {
  const verifier = createVerifier(job.blob);
  const digester = createDigester(digestAlgorithm(job.diffId));
  const indexer = job.indexed ? new TarIndexer() : undefined;
  const read = reading(verifier, below);
  using gunzip = !job.overlapped && startsWithGzip(job.path) ? BlockingGunzip.open() : undefined;
  if (gunzip === undefined) {
    const file = createReadStream(job.path, { highWaterMark: 1 << 20 });
    await applyLayer(digestedStream(decompress(observed(file, read)), digester), target, { indexer });
  } else {
    applyChunks(digested(inflateFile(job.path, gunzip, read), digester), target, indexer);
  }
  verifier.finish();
  const { digest } = digester.finish();
  if (digest !== job.diffId) throw contentMismatch(job.blob.digest, { expected: job.diffId, found: digest });
  return indexer?.finish(digest);
}

function reading(verifier: Verifier, below: ReceivedLayers): (chunk: Uint8Array) => void {
  let unreported = 0;
  return (chunk) => {
    verifier.update(chunk);
    unreported += chunk.byteLength;
    if (unreported < REPORT) return;
    below.read(unreported);
    unreported = 0;
  };
}

function* digested(source: Iterable<Uint8Array>, digester: Digester): Generator<Uint8Array, void, undefined> {
  for (const chunk of source) {
    digester.update(chunk);
    yield chunk;
  }
}

async function* digestedStream(
  source: AsyncIterable<Uint8Array>,
  digester: Digester,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    digester.update(chunk);
    yield chunk;
  }
}
