import type { ByteReader } from '../byte-reader.js';
import { invalidStream, takeExactly } from './invalid-stream.js';
import { BitReader } from './bit-reader.js';
import { BlockBytes } from './block-bytes.js';
import { decodeBlock } from './decode-block.js';

export const BZIP2_MAGIC: Buffer = Buffer.from('BZh');

/** Bytes of a block, before its runs are undone, for each of the levels 1 to 9. */
const BLOCK_UNIT = 100_000;
/** The longest word of 20 bits for each byte; tables and selectors take the rest. */
const COMPRESSED_UNIT = 250_000;
const TABLES_ROOM = 64 << 10;

const BLOCK_MAGIC = 0x314159265359;
const END_MAGIC = 0x177245385090;

/**
 * The content of all streams of a bzip2 file, its checksums verified. A chunk is valid until the next is asked for.
 * @throws `LAYER_INVALID` when it is damaged or cut off
 */
export async function* bunzip2(input: ByteReader): AsyncGenerator<Uint8Array, void, undefined> {
  do {
    const header = await takeExactly(input, 4);
    const level = header.readUInt8(3) - 0x30;
    if (!header.subarray(0, 3).equals(BZIP2_MAGIC) || level < 1 || level > 9) throw damaged();
    yield* decodeStream(input, level);
  } while ((await input.peek(1)).length > 0);
}

async function* decodeStream(input: ByteReader, level: number): AsyncGenerator<Uint8Array, void, undefined> {
  const links = new Uint32Array(level * BLOCK_UNIT);
  let [firstBit, checksum] = [0, 0];
  for (;;) {
    const room = level * COMPRESSED_UNIT + TABLES_ROOM;
    const bytes = await input.peek(room);
    const bits = new BitReader(bytes, { firstBit, isWhole: bytes.length < room });
    const magic = bits.bits(24) * 2 ** 24 + bits.bits(24);
    if (magic === END_MAGIC) {
      if (bits.word() !== checksum >>> 0) throw damaged();
      await input.take(Math.ceil(bits.position / 8));
      return;
    }
    if (magic !== BLOCK_MAGIC) throw damaged();
    const block = decodeBlock(bits, links);
    await input.take(bits.position >> 3);
    firstBit = bits.position & 7;
    yield* blockContent(new BlockBytes(links, block), block.checksum);
    checksum = ((checksum << 1) | (checksum >>> 31)) ^ block.checksum;
  }
}

function* blockContent(bytes: BlockBytes, checksum: number): Generator<Uint8Array, void, undefined> {
  for (let piece = bytes.next(); piece.length > 0; piece = bytes.next()) yield piece;
  if (bytes.checksum !== checksum) throw damaged();
}

function damaged(): Error {
  return invalidStream('its bzip2 stream is damaged');
}
