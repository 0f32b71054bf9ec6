import { invalidStream } from './invalid-stream.js';
import type { BitReader } from './bit-reader.js';
import { HuffmanTable } from './huffman-table.js';

/** Symbols that one Huffman table is used for before the next is chosen. */
const GROUP = 50;
const RUN_A = 0;
const RUN_B = 1;

/** A block with all but its last transformations undone: start at `start` and follow the upper 24 bits from byte to byte. */
export interface SortedBlock {
  readonly start: number;
  readonly length: number;
  readonly checksum: number;
}

/**
 * Reads a block behind its magic number into `links`, which is as long as a block may be.
 * @throws `LAYER_INVALID`
 */
export function decodeBlock(bits: BitReader, links: Uint32Array): SortedBlock {
  const checksum = bits.word();
  // Randomised blocks: no version since 1998 has made them.
  if (bits.bits(1) === 1) throw damaged();
  const start = bits.bits(24);
  const bytes = readBytesInUse(bits);
  const { tables, selectors } = readTables(bits, bytes.length + 2);
  const length = readSymbols(bits, { links, bytes, tables, selectors });
  if (start >= length) throw damaged();
  linkUp(links, length);
  return { start, length, checksum };
}

/** The bytes that occur in the block: 16 bits for groups of 16 bytes, then 16 bits for each group that has some. */
function readBytesInUse(bits: BitReader): Uint8Array {
  const groups = bits.bits(16);
  const bytes: number[] = [];
  for (let group = 0; group < 16; group++) {
    if (((groups >> (15 - group)) & 1) === 0) continue;
    const used = bits.bits(16);
    for (let low = 0; low < 16; low++) if (((used >> (15 - low)) & 1) === 1) bytes.push(group * 16 + low);
  }
  if (bytes.length === 0) throw damaged();
  return Uint8Array.from(bytes);
}

interface Coding {
  readonly tables: readonly HuffmanTable[];
  readonly selectors: Uint8Array;
}

function readTables(bits: BitReader, symbols: number): Coding {
  const count = bits.bits(3);
  const selectors = new Uint8Array(bits.bits(15));
  if (count < 2 || count > 6 || selectors.length === 0) throw damaged();
  const order = Uint8Array.from({ length: count }, (_, index) => index);
  for (let at = 0; at < selectors.length; at++) {
    let place = 0;
    while (bits.bits(1) === 1) if (++place >= count) throw damaged();
    selectors[at] = moveToFront(order, place);
  }
  const tables = Array.from({ length: count }, () => new HuffmanTable(readLengths(bits, symbols)));
  return { tables, selectors };
}

/** Each length is told by its difference to the one before. */
function readLengths(bits: BitReader, symbols: number): Uint8Array {
  const lengths = new Uint8Array(symbols);
  let length = bits.bits(5);
  for (let symbol = 0; symbol < symbols; symbol++) {
    for (;;) {
      if (length < 1 || length > 20) throw damaged();
      if (bits.bits(1) === 0) break;
      length += bits.bits(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return lengths;
}

/** Undoes Huffman, zero-run and move-to-front coding. @returns how many bytes it gave */
function readSymbols(
  bits: BitReader,
  { links, bytes, tables, selectors }: Coding & { readonly links: Uint32Array; readonly bytes: Uint8Array },
): number {
  const order = Uint8Array.from(bytes);
  const output = new RunWriter(links);
  const end = bytes.length + 1;
  for (let group = 0; ; group++) {
    const table = tables[selectors[group] ?? tables.length];
    if (table === undefined) throw damaged();
    for (let left = GROUP; left > 0; left--) {
      const symbol = table.read(bits);
      if (symbol === RUN_A || symbol === RUN_B) {
        output.lengthen(symbol);
      } else {
        output.finishRun(order[0] ?? 0);
        if (symbol === end) return output.length;
        output.put(moveToFront(order, symbol - 1));
      }
    }
  }
}

/** Runs of the latest byte come as numbers in base 2, lowest digit first, with the digits 1 and 2. */
class RunWriter {
  readonly #links: Uint32Array;
  #run = 0;
  #digit = 1;
  length = 0;

  constructor(links: Uint32Array) {
    this.#links = links;
  }

  lengthen(symbol: typeof RUN_A | typeof RUN_B): void {
    this.#run += symbol === RUN_A ? this.#digit : 2 * this.#digit;
    this.#digit *= 2;
    if (this.#run > this.#links.length) throw damaged();
  }

  finishRun(byte: number): void {
    const end = this.length + this.#run;
    if (end > this.#links.length) throw damaged();
    this.#links.fill(byte, this.length, end);
    this.length = end;
    this.#run = 0;
    this.#digit = 1;
  }

  put(byte: number): void {
    if (this.length >= this.#links.length) throw damaged();
    this.#links[this.length++] = byte;
  }
}

function moveToFront(order: Uint8Array, place: number): number {
  const value = order[place] ?? 0;
  order.copyWithin(1, 0, place);
  order[0] = value;
  return value;
}

/** Undoes the sorting (Burrows and Wheeler): puts into the upper bits of each place where the byte after it is. */
function linkUp(links: Uint32Array, length: number): void {
  const places = new Uint32Array(256);
  for (let at = 0; at < length; at++) {
    const byte = (links[at] ?? 0) & 0xff;
    places[byte] = (places[byte] ?? 0) + 1;
  }
  let sum = 0;
  for (let byte = 0; byte < 256; byte++) {
    const count = places[byte] ?? 0;
    places[byte] = sum;
    sum += count;
  }
  for (let at = 0; at < length; at++) {
    const byte = (links[at] ?? 0) & 0xff;
    const place = places[byte] ?? 0;
    places[byte] = place + 1;
    links[place] = ((links[place] ?? 0) | (at << 8)) >>> 0;
  }
}

function damaged(): Error {
  return invalidStream('its bzip2 stream is damaged');
}
