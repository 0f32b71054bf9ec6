import { createReadStream } from 'node:fs';
import { createDigester, type Digest, type DigestAlgorithm } from '../../oci/digest.js';
import { TarReadingIndexer } from '../index/tar-indexer.js';
import { BlockingGunzip } from './blocking-gunzip.js';
import { ChunkDigester } from './chunk-digester.js';
import { decompress } from './decompress.js';
import { inflateFile, startsWithGzip } from './inflate-file.js';

/** A file that is compressed or not, and how its content is to be digested. */
export interface ContentFile {
  readonly path: string;
  readonly algorithm: DigestAlgorithm;
  /** Whether what is inflated is digested in another thread: for a large file, which would keep one busy when all others are done. */
  readonly apart?: boolean | undefined;
  /** Whether an index is to be made on the way: it is the tar of a layer. */
  readonly indexed?: boolean | undefined;
}

export interface ContentDigest {
  readonly digest: Digest;
  /** Bytes, decompressed. */
  readonly size: number;
  /** When it was asked for, and the content is a tar and not too large for one. */
  readonly index?: Uint8Array | undefined;
}

/**
 * Digest and size of what a file holds once it is decompressed (for a layer its diffId). gzip blocks the thread: inflating and
 * digesting a chunk in turn takes a third less time than passing it through streams, so this is for threads that do nothing else.
 * @throws `LAYER_INVALID` when it is damaged, cut off or swells too much; system errors
 */
export async function digestContent(file: ContentFile): Promise<ContentDigest> {
  const { path, algorithm, apart = false, indexed = false } = file;
  await using thread = apart ? await ChunkDigester.open(algorithm) : undefined;
  const digester = thread ?? createDigester(algorithm);
  const indexer = indexed ? new TarReadingIndexer() : undefined;
  const take = (chunk: Uint8Array): void => {
    digester.update(chunk);
    indexer?.push(chunk);
  };
  using gunzip = startsWithGzip(path) ? BlockingGunzip.open() : undefined;
  if (gunzip === undefined) {
    for await (const chunk of decompress(createReadStream(path, { highWaterMark: 1 << 20 }))) take(chunk);
  } else {
    for (const chunk of inflateFile(path, gunzip)) take(chunk);
  }
  const { digest, size } = await digester.finish();
  return { digest, size, index: indexer?.finish(digest) };
}
