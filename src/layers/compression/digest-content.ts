import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { createDigester, type Digest, type DigestAlgorithm } from '../../oci/digest.js';
import { decompress, refuseSwollen } from './decompress.js';
import { gunzipDamaged, GZIP_MAGIC } from './gunzip.js';

/** A file that is compressed or not, and how its content is to be digested. */
export interface ContentFile {
  readonly path: string;
  readonly algorithm: DigestAlgorithm;
}

export interface ContentDigest {
  readonly digest: Digest;
  /** Bytes, decompressed. */
  readonly size: number;
}

/** Bytes. What it can swell to at once is a thousand times as much. */
const READ_SIZE = 64 << 10;
/** The first is zlib's (bytes), which minizlib passes on and its types do not name. */
const GUNZIP_OPTIONS = { chunkSize: 256 << 10, async: false };

/**
 * Digest and size of what a file holds once it is decompressed (for a layer its diffId). gzip blocks the thread: inflating and
 * digesting a chunk in turn takes a fifth less time than passing it through streams, so this is for threads that do nothing else.
 * @throws `LAYER_INVALID` when it is damaged, cut off or swells too much; system errors
 */
export async function digestContent(file: ContentFile): Promise<ContentDigest> {
  return startsWithGzip(file.path) ? await digestGzip(file) : await digestStream(file);
}

async function digestStream({ path, algorithm }: ContentFile): Promise<ContentDigest> {
  const digester = createDigester(algorithm);
  for await (const chunk of decompress(createReadStream(path, { highWaterMark: 1 << 20 }))) digester.update(chunk);
  return digester.finish();
}

async function digestGzip({ path, algorithm }: ContentFile): Promise<ContentDigest> {
  const { Gunzip } = await import('minizlib');
  const digester = createDigester(algorithm);
  const gunzip = new Gunzip(GUNZIP_OPTIONS);
  let [input, output] = [0, 0];
  // minizlib works when it is written to: its data comes before write() returns, and there is nothing to wait for.
  gunzip.addListener('data', (chunk: Buffer) => {
    output += chunk.length;
    digester.update(chunk);
  });
  try {
    for (const chunk of chunksOf(path)) {
      input += chunk.length;
      gunzip.write(chunk);
      refuseSwollen(output, input);
    }
    gunzip.end();
  } catch (error) {
    throw gunzipDamaged(error);
  } finally {
    gunzip.close();
  }
  return digester.finish();
}

function startsWithGzip(path: string): boolean {
  for (const chunk of chunksOf(path)) return chunk.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC);
  return false;
}

/** Each is valid until the next is asked for. */
function* chunksOf(path: string): Generator<Buffer, void, undefined> {
  const buffer = Buffer.allocUnsafeSlow(READ_SIZE);
  const descriptor = openSync(path, 'r');
  try {
    for (;;) {
      const count = readSync(descriptor, buffer, 0, READ_SIZE, null);
      if (count === 0) return;
      yield buffer.subarray(0, count);
    }
  } finally {
    closeSync(descriptor);
  }
}
