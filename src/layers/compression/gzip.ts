import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';

const deflate = promisify(deflateRaw);

const BLOCK = 512 * 1024;
const DICTIONARY = 32 * 1024;
/** Blocks on their way at once: enough to keep the four threads busy that libuv has unless told otherwise. */
const AHEAD = 8;
const DEFAULT_LEVEL = 6;

export interface CompressGzipOptions {
  /** 0 to 9; 6 unless given. */
  readonly level?: number | undefined;
  /** How many blocks may be on their way at once, each of 1.2 MB with what it becomes. The bytes are the same. */
  readonly ahead?: number | undefined;
}

/**
 * A gzip stream of one member (RFC 1952), compressed in blocks on all threads of the pool, as pigz does: each block gets the end
 * of the one before as its dictionary and ends at a byte. Blocks are cut by size alone, so equal input gives equal bytes,
 * however it was chunked and whichever block is ready first. Another version of zlib may give other bytes: rely on the
 * digest of what is inside.
 */
export async function* compressGzip(
  source: AsyncIterable<Uint8Array>,
  { level = DEFAULT_LEVEL, ahead = AHEAD }: CompressGzipOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const queue: Promise<Buffer>[] = [];
  let [checksum, size] = [0, 0];
  yield header(level);
  try {
    for await (const { block, dictionary, last } of blocks(source)) {
      checksum = crc32(block, checksum);
      size += block.length;
      const compressed = deflate(block, {
        level,
        dictionary,
        finishFlush: last ? constants.Z_FINISH : constants.Z_SYNC_FLUSH,
        chunkSize: BLOCK + BLOCK / 4,
      });
      // Its failure is thrown when its turn comes.
      compressed.catch(() => undefined);
      queue.push(compressed);
      if (queue.length > ahead) yield (await queue.shift()) ?? Buffer.alloc(0);
    }
    for (const compressed of queue.splice(0)) yield await compressed;
  } finally {
    await Promise.allSettled(queue);
  }
  yield trailer(checksum, size);
}

interface Block {
  readonly block: Buffer;
  readonly dictionary: Buffer | undefined;
  readonly last: boolean;
}

/** The source in blocks of one size; at least one, and the last is known as such. */
async function* blocks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Block, void, undefined> {
  let dictionary: Buffer | undefined;
  let block = Buffer.allocUnsafeSlow(BLOCK);
  let filled = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.byteLength;) {
      if (filled === BLOCK) {
        yield { block, dictionary, last: false };
        dictionary = block.subarray(-DICTIONARY);
        block = Buffer.allocUnsafeSlow(BLOCK);
        filled = 0;
      }
      const part = chunk.subarray(at, at + BLOCK - filled);
      block.set(part, filled);
      filled += part.byteLength;
      at += part.byteLength;
    }
  }
  yield { block: block.subarray(0, filled), dictionary, last: true };
}

/** No name and no time; the byte before the last hints at the level, the last says "unknown operating system". */
function header(level: number): Buffer {
  const hint = level === 1 ? 4 : level === 9 ? 2 : 0;
  return Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, hint, 255]);
}

function trailer(checksum: number, size: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(checksum >>> 0, 0);
  bytes.writeUInt32LE(size % 2 ** 32, 4);
  return bytes;
}
