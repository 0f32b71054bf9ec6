import { entryOf, EXCEPTION, SECOND, VALUE, Entry } from './entry';
import { COUNTS, LENGTHS, MAX_CODEWORD, SORTED, STARTS } from './layout';

/**
 * Fills the table of a canonical Huffman code (RFC 1951 §3.2.2). Its index is as many bits as come next in the stream; a longer
 * codeword has the entry of a second table at its first bits, just large enough for all that begin so.
 * @param lengths of the first symbol's codeword, in `LENGTHS`
 * @param lonely whether a code may have but one codeword, of one bit, and be incomplete, as zlib allows it
 * @returns whether it is a code
 */
export function buildTable(table: usize, templates: usize, bits: u32, lengths: u32, symbols: u32, lonely: bool): bool {
  const longest = countLengths(lengths, symbols);
  const unused = unusedSpace();
  if (unused < 0) return false;
  if (unused > 0) {
    // A code without a codeword is one as well: it must not be used, which only shows when it is.
    if (longest > 1 || (longest == 1 && !lonely)) return false;
    const missing = entryOf(lonely ? EXCEPTION : 0, 1);
    for (let index: u32 = 0; index < 1 << bits; index++) store<u32>(table + 4 * index, missing);
    if (longest == 0) return true;
  }
  sortSymbols(lengths, symbols);
  const short = fillFirst(table, templates, bits);
  if (longest > bits) fillSecond(table, templates, bits, short);
  return true;
}

/** @returns the longest */
function countLengths(lengths: u32, symbols: u32): u32 {
  memory.fill(COUNTS, 0, 4 * (MAX_CODEWORD + 1));
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const count = COUNTS + 4 * (load<u8>(LENGTHS + lengths + symbol) as usize);
    store<u32>(count, load<u32>(count) + 1);
  }
  let longest = MAX_CODEWORD;
  while (longest > 0 && load<u32>(COUNTS + 4 * longest) == 0) longest--;
  return longest;
}

/** What of 2^15 no codeword takes; negative when they take more than there is. */
function unusedSpace(): i32 {
  let unused: i32 = 1 << MAX_CODEWORD;
  for (let length: u32 = 1; length <= MAX_CODEWORD; length++) {
    unused -= (load<u32>(COUNTS + 4 * length) << (MAX_CODEWORD - length)) as i32;
  }
  return unused;
}

/** By the lengths of their codewords, and by their number where those are equal. */
function sortSymbols(lengths: u32, symbols: u32): void {
  let start: u32 = 0;
  for (let length: u32 = 1; length <= MAX_CODEWORD; length++) {
    store<u32>(STARTS + 4 * length, start);
    start += load<u32>(COUNTS + 4 * length);
  }
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const length = load<u8>(LENGTHS + lengths + symbol) as usize;
    if (length == 0) continue;
    const at = load<u32>(STARTS + 4 * length);
    store<u16>(SORTED + 2 * at, symbol as u16);
    store<u32>(STARTS + 4 * length, at + 1);
  }
}

/** Of a symbol, by its place in order. */
function templateAt(templates: usize, place: u32): Entry {
  return load<u32>(templates + 4 * (load<u16>(SORTED + 2 * place) as usize));
}

/** The codeword after another of the same length; codewords begin at their lowest bit. All ones have none. */
function following(codeword: u32, length: u32): u32 {
  const bit: u32 = 1 << (31 - clz(codeword ^ ((1 << length) - 1)));
  return (codeword & (bit - 1)) | bit;
}

function isLast(codeword: u32, length: u32): bool {
  return codeword == ((1 << length) as u32) - 1;
}

/**
 * Enters the codewords that fit, shortest first, into a table that doubles with each bit.
 * @returns the first codeword that is longer, whose first bits these are; how many there were is `STARTS` of its length
 */
function fillFirst(table: usize, templates: usize, bits: u32): u32 {
  let place: u32 = 0;
  let codeword: u32 = 0;
  for (let length: u32 = 1; length <= bits; length++) {
    const half: usize = (4 as usize) << (length - 1);
    memory.copy(table + half, table, half);
    for (let left = load<u32>(COUNTS + 4 * length); left > 0; left--) {
      store<u32>(table + 4 * codeword, entryOf(templateAt(templates, place++), length));
      if (isLast(codeword, length)) {
        spread(table, length, bits);
        return 0;
      }
      codeword = following(codeword, length);
    }
  }
  return codeword;
}

/** Repeats a table of codewords of up to `length` bits, until it has an entry for all of `bits`. */
function spread(table: usize, length: u32, bits: u32): void {
  for (let size = length; size < bits; size++) {
    const half: usize = (4 as usize) << size;
    memory.copy(table + half, table, half);
  }
}

function fillSecond(table: usize, templates: usize, bits: u32, first: u32): void {
  let length = bits + 1;
  while (load<u32>(COUNTS + 4 * length) == 0) length++;
  let place = load<u32>(STARTS + 4 * length) - load<u32>(COUNTS + 4 * length);
  let codeword = first;
  let start: u32 = 0;
  let end: u32 = 1 << bits;
  let prefix: u32 = u32.MAX_VALUE;
  for (;;) {
    if ((codeword & ((1 << bits) - 1)) != prefix) {
      prefix = codeword & ((1 << bits) - 1);
      const size = secondSize(bits, length);
      start = end;
      end += 1 << size;
      store<u32>(table + 4 * prefix, EXCEPTION | SECOND | (start << VALUE) | (size << 8) | bits);
    }
    const entry = entryOf(templateAt(templates, place++), length - bits);
    for (let index = start + (codeword >> bits); index < end; index += 1 << (length - bits)) {
      store<u32>(table + 4 * index, entry);
    }
    if (isLast(codeword, length)) return;
    codeword = following(codeword, length);
    store<u32>(COUNTS + 4 * length, load<u32>(COUNTS + 4 * length) - 1);
    while (load<u32>(COUNTS + 4 * length) == 0) length++;
  }
}

/** Bits of the index of a second table, whose first codeword has `length` bits: so many that no codeword there has more. */
function secondSize(bits: u32, length: u32): u32 {
  let size = length - bits;
  let space = load<u32>(COUNTS + 4 * length);
  while (space < 1 << size) {
    size++;
    space = (space << 1) + load<u32>(COUNTS + 4 * (bits + size));
  }
  return size;
}
