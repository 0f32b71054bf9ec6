import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { ByteReader } from '../byte-reader.js';
import { invalidStream, takeExactly } from '../invalid-stream.js';
import { createBlockCheck } from './block-check.js';
import { Dictionary } from './dictionary.js';
import { LzmaDecoder, parseProperties } from './lzma-decoder.js';

export const XZ_MAGIC: Buffer = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);

/** `xz -9` makes 64 MiB; a decoder keeps that much in memory. */
const MAX_DICTIONARY = 128 << 20;
const LZMA2 = 0x21;
const FOOTER_MAGIC = Buffer.from('YZ');

/**
 * The content of all streams of an .xz file (xz file format 1.2.1), its checks verified: CRC32, CRC64, SHA-256. A chunk is valid
 * until the next is asked for.
 * @throws `LAYER_INVALID` when it is damaged or cut off, needs a dictionary beyond 128 MiB or a filter besides LZMA2
 */
export async function* unxz(input: ByteReader): AsyncGenerator<Uint8Array, void, undefined> {
  for (let first = true; ; first = false) {
    if (!first && !(await skipPadding(input))) return;
    const header = await takeExactly(input, 12, 'xz');
    const check = header.readUInt8(7);
    const isHeader = header.subarray(0, 6).equals(XZ_MAGIC) && header.readUInt8(6) === 0 && check < 16;
    if (!isHeader || crc32(header.subarray(6, 8)) !== header.readUInt32LE(8)) throw damaged();
    yield* decodeBlocks(input, check);
    await checkFooter(input, header.subarray(6, 8));
  }
}

/** Zeros between streams, four at a time. @returns whether another stream follows */
async function skipPadding(input: ByteReader): Promise<boolean> {
  for (;;) {
    const bytes = await input.peek(4);
    if (bytes.length === 0) return false;
    if (bytes.length < 4) throw damaged();
    if (bytes.readUInt32LE(0) !== 0) return true;
    await input.take(4);
  }
}

/** Blocks up to and including the index that follows them, which must list just these. */
async function* decodeBlocks(input: ByteReader, check: number): AsyncGenerator<Uint8Array, void, undefined> {
  const seen = createHash('sha256');
  let count = 0;
  for (;;) {
    const size = (await takeExactly(input, 1, 'xz')).readUInt8(0);
    if (size === 0) break;
    const decoder = new BlockDecoder(input, check, await readBlockHeader(input, (size + 1) * 4));
    yield* decoder.decode();
    seen.update(`${decoder.unpaddedSize}:${decoder.contentSize} `);
    count++;
  }
  await checkIndex(input, count, seen.digest('hex'));
}

interface BlockHeader {
  readonly size: number;
  readonly dictionarySize: number;
  readonly compressedSize?: number | undefined;
  readonly contentSize?: number | undefined;
}

async function readBlockHeader(input: ByteReader, size: number): Promise<BlockHeader> {
  const rest = await takeExactly(input, size - 1, 'xz');
  const header = Buffer.concat([Buffer.from([size / 4 - 1]), rest]);
  if (crc32(header.subarray(0, -4)) !== header.readUInt32LE(size - 4)) throw damaged();
  const fields = new Fields(header.subarray(1, -4));
  const flags = fields.byte();
  if ((flags & 0x3c) !== 0) throw damaged();
  const compressedSize = (flags & 0x40) === 0 ? undefined : fields.number();
  const contentSize = (flags & 0x80) === 0 ? undefined : fields.number();
  if ((flags & 3) !== 0 || fields.number() !== LZMA2) {
    throw invalidStream('its xz stream uses a filter for programs of some processor, which is not supported');
  }
  if (fields.number() !== 1) throw damaged();
  const dictionarySize = decodeDictionarySize(fields.byte());
  if (!fields.restIsZero) throw damaged();
  return { size, dictionarySize, compressedSize, contentSize };
}

/** xz file format 5.3.1: 4 KiB, 6 KiB, 8 KiB, 12 KiB and so on. */
function decodeDictionarySize(bits: number): number {
  if (bits > 40) throw damaged();
  const size = bits === 40 ? 2 ** 32 - 1 : (2 | (bits & 1)) * 2 ** ((bits >> 1) + 11);
  if (size > MAX_DICTIONARY) throw invalidStream('its xz stream needs a dictionary of more than 128 MiB');
  return size;
}

class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw damaged();
    return byte;
  }

  /** Seven bits a byte, lowest first (section 1.2). */
  number(): number {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (!Number.isSafeInteger(value) || (byte === 0 && scale > 1)) throw damaged();
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  get restIsZero(): boolean {
    return this.#bytes.subarray(this.#at).every((byte) => byte === 0);
  }
}

/** One block: LZMA2 chunks, padding, a check. */
class BlockDecoder {
  readonly #input: ByteReader;
  readonly #header: BlockHeader;
  readonly #check: ReturnType<typeof createBlockCheck>;
  readonly #dictionary: Dictionary;
  readonly #lzma: LzmaDecoder;
  #compressedSize = 0;
  #needsDictionary = true;
  #needsProperties = true;
  contentSize = 0;

  constructor(input: ByteReader, check: number, header: BlockHeader) {
    this.#input = input;
    this.#header = header;
    this.#check = createBlockCheck(check);
    this.#dictionary = new Dictionary(header.dictionarySize);
    this.#lzma = new LzmaDecoder(this.#dictionary);
  }

  get unpaddedSize(): number {
    return this.#header.size + this.#compressedSize + this.#check.size;
  }

  async *decode(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let control = await this.#control(); control !== 0; control = await this.#control()) {
      const start = control < 0x80 ? await this.#copyChunk(control) : await this.#decodeChunk(control);
      const content = this.#dictionary.slice(start);
      this.contentSize += content.length;
      this.#check.update(content);
      yield content;
    }
    const { compressedSize = this.#compressedSize, contentSize = this.contentSize } = this.#header;
    if (compressedSize !== this.#compressedSize || contentSize !== this.contentSize) throw damaged();
    const padding = await takeExactly(this.#input, (4 - (this.#compressedSize % 4)) % 4, 'xz');
    const stored = await takeExactly(this.#input, this.#check.size, 'xz');
    if (padding.some((byte) => byte !== 0) || !this.#check.matches(stored)) throw damaged();
  }

  async #control(): Promise<number> {
    return (await this.#take(1)).readUInt8(0);
  }

  async #take(count: number): Promise<Buffer> {
    this.#compressedSize += count;
    return takeExactly(this.#input, count, 'xz');
  }

  /** Content that could not be compressed. @returns where it starts in the dictionary */
  async #copyChunk(control: number): Promise<number> {
    if (control > 2 || (control === 2 && this.#needsDictionary)) throw damaged();
    if (control === 1) this.#resetDictionary();
    const size = (await this.#take(2)).readUInt16BE(0) + 1;
    this.#dictionary.reserve(size);
    const start = this.#dictionary.position;
    this.#dictionary.putAll(await this.#take(size));
    return start;
  }

  async #decodeChunk(control: number): Promise<number> {
    const sizes = await this.#take(4);
    const size = ((control & 0x1f) << 16) + sizes.readUInt16BE(0) + 1;
    if (control >= 0xe0) this.#resetDictionary();
    await this.#resetDecoder(control);
    const compressed = await this.#take(sizes.readUInt16BE(2) + 1);
    this.#dictionary.reserve(size);
    const start = this.#dictionary.position;
    this.#lzma.decode(compressed, size);
    return start;
  }

  async #resetDecoder(control: number): Promise<void> {
    if (control >= 0xc0) {
      this.#lzma.reset(parseProperties((await this.#take(1)).readUInt8(0)));
      this.#needsProperties = false;
    } else if (control >= 0xa0 && !this.#needsProperties) {
      this.#lzma.reset();
    }
    if (this.#needsDictionary || this.#needsProperties) throw damaged();
  }

  #resetDictionary(): void {
    this.#dictionary.reset();
    this.#needsDictionary = false;
    this.#needsProperties = true;
  }
}

async function checkIndex(input: ByteReader, count: number, blocks: string): Promise<void> {
  const index = new IndexReader(input);
  if ((await index.number()) !== count) throw damaged();
  const listed = createHash('sha256');
  for (let left = count; left > 0; left--) listed.update(`${await index.number()}:${await index.number()} `);
  if (listed.digest('hex') !== blocks) throw damaged();
  await index.finish();
}

class IndexReader {
  readonly #input: ByteReader;
  /** The indicator byte has been read before. */
  #crc = crc32(Buffer.from([0]));
  #size = 1;

  constructor(input: ByteReader) {
    this.#input = input;
  }

  async number(): Promise<number> {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = await this.#byte();
      value += (byte & 0x7f) * scale;
      if (!Number.isSafeInteger(value)) throw damaged();
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  async finish(): Promise<void> {
    while (this.#size % 4 !== 0) if ((await this.#byte()) !== 0) throw damaged();
    const stored = await takeExactly(this.#input, 4, 'xz');
    if (stored.readUInt32LE(0) !== this.#crc) throw damaged();
  }

  async #byte(): Promise<number> {
    const bytes = await takeExactly(this.#input, 1, 'xz');
    this.#crc = crc32(bytes, this.#crc);
    this.#size++;
    return bytes.readUInt8(0);
  }
}

async function checkFooter(input: ByteReader, flags: Buffer): Promise<void> {
  const footer = await takeExactly(input, 12, 'xz');
  const matches = footer.subarray(8, 10).equals(flags) && footer.subarray(10).equals(FOOTER_MAGIC);
  if (!matches || crc32(footer.subarray(4, 10)) !== footer.readUInt32LE(0)) throw damaged();
}

function damaged(): Error {
  return invalidStream('its xz stream is damaged');
}
