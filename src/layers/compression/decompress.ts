import { TsbuildError } from '../../support/errors.js';
import { ByteReader } from './byte-reader.js';
import { gunzip } from './gunzip.js';
import { compressionOf } from './compression-of.js';
import { unzstd } from './unzstd.js';

export interface DecompressOptions {
  /** Refuse output beyond 1 GiB that is this many times its input. 1000 unless given; `Infinity` for no limit. */
  readonly maxRatio?: number;
}

const MAX_FREE_OUTPUT = 2 ** 30;
const DEFAULT_MAX_RATIO = 1000;

/**
 * The bytes of a layer whose compression its first bytes tell: gzip, of one or more members; zstd, of one or more frames; xz and
 * bzip2, of one or more streams; anything else passes as it is. Media types are not asked: registries carry layers under wrong ones. A chunk is valid until the next is
 * asked for. The source is read to its end, so that whoever checks its digest sees all of it.
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
    const decode = await decoderFor(await reader.peek(6));
    for await (const chunk of decode(reader)) {
      output += chunk.byteLength;
      if (output > MAX_FREE_OUTPUT && output > maxRatio * input.size) throw swollen(output, input.size);
      yield chunk;
    }
  } finally {
    await reader.close();
  }
}

type Decoder = (reader: ByteReader) => AsyncIterable<Uint8Array>;

async function decoderFor(head: Buffer): Promise<Decoder> {
  switch (compressionOf(head)) {
    case 'gzip':
      return (reader) => gunzip(reader.rest());
    case 'zstd':
      return unzstd;
    // Rare: not loaded before they are needed.
    case 'xz':
      return (await import('./xz/unxz.js')).unxz;
    case 'bzip2':
      return (await import('./bzip2/bunzip2.js')).bunzip2;
    case undefined:
      return (reader) => reader.rest();
  }
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

function swollen(output: number, input: number): TsbuildError {
  return new TsbuildError(
    'LAYER_INVALID',
    `cannot decompress layer: ${input} bytes became more than ${output}, which looks like a decompression bomb`,
    { hint: 'Use another image, or have this one rebuilt without files that consist of zeros.' },
  );
}
