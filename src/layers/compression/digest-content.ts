import { createReadStream } from 'node:fs';
import { createDigester, type Digest, type DigestAlgorithm } from '../../oci/digest.js';
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
}

export interface ContentDigest {
  readonly digest: Digest;
  /** Bytes, decompressed. */
  readonly size: number;
}

/**
 * Digest and size of what a file holds once it is decompressed (for a layer its diffId). gzip blocks the thread: inflating and
 * digesting a chunk in turn takes a third less time than passing it through streams, so this is for threads that do nothing else.
 * @throws `LAYER_INVALID` when it is damaged, cut off or swells too much; system errors
 */
export async function digestContent({ path, algorithm, apart = false }: ContentFile): Promise<ContentDigest> {
  using gunzip = startsWithGzip(path) ? BlockingGunzip.open() : undefined;
  if (gunzip !== undefined && apart) {
    await using digester = await ChunkDigester.open(algorithm);
    for (const chunk of inflateFile(path, gunzip)) digester.update(chunk);
    return await digester.finish();
  }
  const digester = createDigester(algorithm);
  if (gunzip === undefined) {
    for await (const chunk of decompress(createReadStream(path, { highWaterMark: 1 << 20 }))) digester.update(chunk);
  } else {
    for (const chunk of inflateFile(path, gunzip)) digester.update(chunk);
  }
  return digester.finish();
}
