import { TsbuildError } from '../../support/errors.js';
import { bunzip2, BZIP2_MAGIC } from './bzip2/bunzip2.js';
import { ByteReader } from './byte-reader.js';
import { gunzip, GZIP_MAGIC } from './gunzip.js';
import { unxz, XZ_MAGIC } from './unxz.js';
import { unzstd, ZSTD_MAGIC, isSkippableFrame } from './unzstd.js';

export interface DecompressOptions {
  /** Refuse output beyond 1 GiB that is this many times its input. 1000 unless given; `Infinity` for no limit. */
  readonly maxRatio?: number;
}

const MAX_FREE_OUTPUT = 2 ** 30;
const DEFAULT_MAX_RATIO = 1000;

/**
 * The bytes of a layer whose compression its first bytes tell: gzip, of one or more members; zstd, of one or more frames; xz;
 * bzip2; anything else passes as it is. Media types are not asked: registries carry layers under wrong ones. A chunk is valid until
 * the next is asked for. The source is read to its end, so that whoever checks its digest sees all of it.
 * @throws `LAYER_INVALID` when the stream is damaged, cut off, or swells beyond the limit; errors of `source` as they are
 */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  options: DecompressOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const maxRatio = options.maxRatio ?? DEFAULT_MAX_RATIO;
  const input = new CountedSource(source);
  const reader = new ByteReader(input);
  let output = 0;
  try {
    for await (const chunk of decoderFor(await reader.peek(XZ_MAGIC.length))(reader)) {
      output += chunk.byteLength;
      refuseSwollen(output, input.size, maxRatio);
      yield chunk;
    }
  } finally {
    await reader.close();
  }
}

type Decoder = (reader: ByteReader) => AsyncIterable<Uint8Array>;

function decoderFor(magic: Buffer): Decoder {
  if (magic.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC)) return (reader) => gunzip(reader.rest());
  const frame = magic.subarray(0, ZSTD_MAGIC.length);
  if (frame.equals(ZSTD_MAGIC) || isSkippableFrame(frame)) return unzstd;
  if (magic.equals(XZ_MAGIC)) return unxz;
  if (magic.subarray(0, BZIP2_MAGIC.length).equals(BZIP2_MAGIC)) return bunzip2;
  return (reader) => reader.rest();
}

class CountedSource implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>;
  size = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of this.#source) {
      this.size += chunk.byteLength;
      yield chunk;
    }
  }
}

/** @throws `LAYER_INVALID` when so much output of so little input looks like an attack */
export function refuseSwollen(output: number, input: number, maxRatio: number = DEFAULT_MAX_RATIO): void {
  if (output <= MAX_FREE_OUTPUT || output <= maxRatio * input) return;
  throw new TsbuildError(
    'LAYER_INVALID',
    `cannot decompress layer: ${input} bytes became more than ${output}, which looks like a decompression bomb`,
    { hint: 'Use another image, or have this one rebuilt without files that consist of zeros.' },
  );
}
