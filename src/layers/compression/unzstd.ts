import { Decompress } from 'fzstd';
import { TsbuildError } from '../../support/errors.js';
import type { ByteReader } from './byte-reader.js';

export const ZSTD_MAGIC: Buffer = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** RFC 8878 section 3.1.1.2.4. */
const MAX_BLOCK = 128 * 1024;
/** What `zstd --long` makes at most without being asked for more; a decoder keeps that much in memory. */
const MAX_WINDOW = 128 * 1024 * 1024;

/** RFC 8878 section 3.1.2: frames that hold no content. zstd:chunked and the seekable format have their tables there. */
export function isSkippableFrame(magic: Buffer): boolean {
  return magic.length === 4 && (magic.readUInt32LE(0) & 0xfffffff0) >>> 0 === 0x184d2a50;
}

/**
 * The content of all frames of a zstd stream (RFC 8878). Frames are taken apart here and handed to the decoder block by block: so
 * no more than a block is decoded at once, however well it was compressed, and no window is made before its size is known.
 * @throws `LAYER_INVALID` when it is damaged, cut off or needs a dictionary or a window beyond 128 MiB
 */
export async function* unzstd(input: ByteReader): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = new BlockDecoder();
  for (let magic = await input.take(4); magic.length > 0; magic = await input.take(4)) {
    if (isSkippableFrame(magic)) {
      if (!(await input.skip((await exactly(input, 4)).readUInt32LE(0)))) throw cutOff();
    } else if (magic.equals(ZSTD_MAGIC)) {
      yield* decodeFrame(input, decoder);
    } else {
      throw magic.length < 4 ? cutOff() : invalid('its zstd stream is damaged');
    }
  }
  yield* decoder.decode(Buffer.alloc(0), true);
}

async function* decodeFrame(input: ByteReader, decoder: BlockDecoder): AsyncGenerator<Uint8Array, void, undefined> {
  const { header, hasChecksum } = await frameHeader(input);
  yield* decoder.decode(Buffer.concat([ZSTD_MAGIC, header]));
  for (let last = false; !last;) {
    const blockHeader = await exactly(input, 3);
    const bits = blockHeader.readUIntLE(0, 3);
    const [type, size] = [(bits >> 1) & 3, bits >> 3];
    if (type === 3 || size > MAX_BLOCK) throw invalid('its zstd stream is damaged');
    const content = await exactly(input, type === RLE ? 1 : size);
    yield* decoder.decode(Buffer.concat([blockHeader, content]));
    last = (bits & 1) === 1;
  }
  if (hasChecksum) yield* decoder.decode(await exactly(input, 4));
}

const RLE = 1;

/** RFC 8878 section 3.1.1.1. */
async function frameHeader(input: ByteReader): Promise<{ readonly header: Buffer; readonly hasChecksum: boolean }> {
  const descriptor = (await exactly(input, 1)).readUInt8(0);
  const singleSegment = (descriptor & 0x20) !== 0;
  const contentSizeCode = descriptor >> 6;
  const contentSizeLength = contentSizeCode === 0 ? Number(singleSegment) : 1 << contentSizeCode;
  if ((descriptor & 3) !== 0) throw invalid('its zstd stream needs a dictionary');
  const rest = await exactly(input, Number(!singleSegment) + contentSizeLength);
  const window = singleSegment ? contentSize(rest, contentSizeLength) : windowSize(rest.readUInt8(0));
  if (window > MAX_WINDOW) throw invalid('its zstd stream needs a window of more than 128 MiB');
  return { header: Buffer.concat([Buffer.from([descriptor]), rest]), hasChecksum: (descriptor & 4) !== 0 };
}

function contentSize(bytes: Buffer, length: number): number {
  if (length === 8) return Number(bytes.readBigUInt64LE(0));
  return bytes.readUIntLE(0, length) + (length === 2 ? 256 : 0);
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

class BlockDecoder {
  #decoded: Uint8Array[] = [];
  readonly #decoder = new Decompress((chunk) => {
    if (chunk.byteLength > 0) this.#decoded.push(chunk);
  });

  decode(bytes: Uint8Array, final = false): Uint8Array[] {
    try {
      this.#decoder.push(bytes, final);
    } catch (error) {
      // fzstd throws whatever a damaged block leads it to: errors of its own, RangeError, TypeError.
      throw invalid('its zstd stream is damaged', error);
    }
    const decoded = this.#decoded;
    this.#decoded = [];
    return decoded;
  }
}

async function exactly(input: ByteReader, count: number): Promise<Buffer> {
  const bytes = await input.take(count);
  if (bytes.length < count) throw cutOff();
  return bytes;
}

function cutOff(): TsbuildError {
  return invalid('its zstd stream is cut off');
}

function invalid(state: string, cause?: unknown): TsbuildError {
  return new TsbuildError('LAYER_INVALID', `cannot decompress layer: ${state}`, {
    hint: 'Fetch the layer again; when that does not help, the image was pushed damaged.',
    cause,
  });
}
