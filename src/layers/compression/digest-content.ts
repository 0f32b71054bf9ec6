import { createReadStream } from 'node:fs';
import { createDigester, type Digest, type DigestAlgorithm } from '../../oci/digest.js';
import { TarReadingIndexer } from '../index/tar-indexer.js';
import { BlockingGunzip } from './blocking-gunzip.js';
import { ChunkDigester } from './chunk-digester.js';
import { openCopyingDigester } from './copying-digester.js';
import { decompress } from './decompress.js';
import { inflateFile, startsWithGzip } from './inflate-file.js';
import { observed } from '../../support/byte-streams.js';

/** A file that is compressed or not, and how its content is to be digested. */
export interface ContentFile {
  readonly path: string;
  readonly algorithm: DigestAlgorithm;
  /** Whether what is inflated is digested in another thread: for a large file, which would keep one busy when all others are done. */
  readonly apart?: boolean | undefined;
  /** Whether an index is to be made on the way: it is the tar of a layer. */
  readonly indexed?: boolean | undefined;
  /** Absolute path of a file that is made, and gets the content. It is not synced. */
  readonly copy?: string | undefined;
  /** Where the bytes of the file that have been read are counted, in 64 bits. */
  readonly counter?: SharedArrayBuffer | undefined;
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
  const { path, algorithm, apart = false, indexed = false, copy, counter } = file;
  await using thread = apart ? await ChunkDigester.open({ algorithm, copy }) : undefined;
  using own = thread === undefined ? openCopyingDigester({ algorithm, copy }) : undefined;
  const digester = thread ?? own ?? createDigester(algorithm);
  const indexer = indexed ? new TarReadingIndexer() : undefined;
  const take = (chunk: Uint8Array): void => {
    digester.update(chunk);
    indexer?.push(chunk);
  };
  await readContent(path, { take, onRead: counting(counter) });
  const { digest, size } = await digester.finish();
  return { digest, size, index: indexer?.finish(digest) };
}

interface Reader {
  readonly take: (chunk: Uint8Array) => void;
  /** Is given the bytes of the file as they are read. */
  readonly onRead: (chunk: Uint8Array) => void;
}

async function readContent(path: string, { take, onRead }: Reader): Promise<void> {
  using gunzip = startsWithGzip(path) ? BlockingGunzip.open() : undefined;
  if (gunzip === undefined) {
    const source = createReadStream(path, { highWaterMark: 1 << 20 });
    for await (const chunk of decompress(observed(source, onRead))) take(chunk);
  } else {
    for (const chunk of inflateFile(path, gunzip, onRead)) take(chunk);
  }
}

function counting(counter: SharedArrayBuffer | undefined): (chunk: Uint8Array) => void {
  if (counter === undefined) return () => undefined;
  const count = new BigInt64Array(counter);
  return (chunk) => {
    Atomics.add(count, 0, BigInt(chunk.byteLength));
  };
}
