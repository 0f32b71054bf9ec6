import { prepareFixedLengths } from './fixed-code';
import { buildTable } from './huffman-table';
import {
  DISTANCE_BITS,
  DISTANCE_SYMBOLS,
  DISTANCE_TEMPLATES,
  DISTANCES,
  LENGTHS,
  LITERAL_BITS,
  LITERAL_SYMBOLS,
  LITERAL_TEMPLATES,
  LITERALS,
  PRECODE,
  PRECODE_BITS,
  PRECODE_SYMBOLS,
  PRECODE_TEMPLATES,
} from './layout';
import { VALUE } from './entry';
import {
  BAD_BLOCK_TYPE,
  BAD_DISTANCE_CODE,
  BAD_LITERAL_CODE,
  BAD_PRECODE,
  BAD_REPEAT,
  BAD_STORED_LENGTH,
  ENDED,
  GOES_ON,
  NEEDS_INPUT,
  NO_END_OF_BLOCK,
  TOO_MANY_SYMBOLS,
  Status,
} from './status';
import {
  alignToByte,
  BLOCK_START,
  CODE_LENGTHS,
  CODE_SIZES,
  drop,
  has,
  PRECODE_LENGTHS,
  STORED,
  STORED_LENGTH,
  Stream,
  STREAM_END,
  SYMBOLS,
  take,
} from './stream';

const END_OF_BLOCK: usize = 256;

/** RFC 1951 §3.2.3: after a block comes another, or nothing. */
export function endBlock(): Status {
  Stream.mode = Stream.last ? STREAM_END : BLOCK_START;
  return GOES_ON;
}

export function endStream(): Status {
  alignToByte();
  return ENDED;
}

export function startBlock(): Status {
  if (!has(3)) return NEEDS_INPUT;
  Stream.last = take(1) == 1;
  const type = take(2);
  if (type == 0) {
    drop(Stream.count & 7);
    Stream.mode = STORED_LENGTH;
  } else if (type == 1) {
    useFixedCodes();
    Stream.mode = SYMBOLS;
  } else if (type == 2) {
    Stream.mode = CODE_SIZES;
  } else {
    return BAD_BLOCK_TYPE;
  }
  return GOES_ON;
}

/** RFC 1951 §3.2.4. */
export function readStoredLength(): Status {
  if (!has(32)) return NEEDS_INPUT;
  const length = take(16);
  if (take(16) != (length ^ 0xffff)) return BAD_STORED_LENGTH;
  alignToByte();
  Stream.stored = length;
  Stream.mode = STORED;
  return GOES_ON;
}

function useFixedCodes(): void {
  if (Stream.fixed) return;
  prepareFixedLengths();
  buildTables(LITERAL_SYMBOLS, DISTANCE_SYMBOLS);
  Stream.fixed = true;
}

/** RFC 1951 §3.2.7. More than 286 and 30 symbols have no meaning, and zlib refuses them. */
export function readCodeSizes(): Status {
  if (!has(14)) return NEEDS_INPUT;
  Stream.literals = take(5) + 257;
  Stream.distances = take(5) + 1;
  Stream.precodes = take(4) + 4;
  if (Stream.literals > 286 || Stream.distances > 30) return TOO_MANY_SYMBOLS;
  memory.fill(LENGTHS, 0, PRECODE_SYMBOLS);
  Stream.read = 0;
  Stream.mode = PRECODE_LENGTHS;
  return GOES_ON;
}

export function readPrecodeLengths(): Status {
  for (; Stream.read < Stream.precodes; Stream.read++) {
    if (!has(3)) return NEEDS_INPUT;
    store<u8>(LENGTHS + precodeSymbol(Stream.read), take(3) as u8);
  }
  if (!buildTable(PRECODE, PRECODE_TEMPLATES, PRECODE_BITS, 0, PRECODE_SYMBOLS, false)) return BAD_PRECODE;
  Stream.read = 0;
  Stream.mode = CODE_LENGTHS;
  return GOES_ON;
}

/** RFC 1951 §3.2.7: those most often used come first, as the last may be left out: 16, 17, 18, 0, 8, 7, 9, 6, 10, … 1, 15. */
function precodeSymbol(index: u32): u32 {
  if (index < 3) return 16 + index;
  if (index == 3) return 0;
  return (index & 1) == 0 ? 6 + (index >> 1) : 9 - (index >> 1);
}

/** Those of literals and of distances are one list: a repetition goes from one to the other. */
export function readCodeLengths(): Status {
  const all = Stream.literals + Stream.distances;
  while (Stream.read < all) {
    const status = readCodeLength(all);
    if (status != GOES_ON) return status;
  }
  if (load<u8>(LENGTHS + END_OF_BLOCK) == 0) return NO_END_OF_BLOCK;
  Stream.fixed = false;
  Stream.mode = SYMBOLS;
  return buildTables(Stream.literals, Stream.distances);
}

function readCodeLength(all: u32): Status {
  // A codeword of 7 bits, and 7 more.
  has(14);
  const entry = load<u32>(PRECODE + 4 * ((Stream.bits as usize) & ((1 << PRECODE_BITS) - 1)));
  const symbol = entry >> VALUE;
  const codeword = entry & 63;
  const extra = extraBits(symbol);
  if (Stream.count < codeword + extra) return NEEDS_INPUT;
  drop(codeword);
  if (symbol < 16) {
    store<u8>(LENGTHS + Stream.read++, symbol as u8);
    return GOES_ON;
  }
  const count = (symbol == 18 ? 11 : 3) + take(extra);
  if ((symbol == 16 && Stream.read == 0) || Stream.read + count > all) return BAD_REPEAT;
  const length: u8 = symbol == 16 ? load<u8>(LENGTHS + Stream.read - 1) : 0;
  memory.fill(LENGTHS + Stream.read, length, count);
  Stream.read += count;
  return GOES_ON;
}

function extraBits(symbol: u32): u32 {
  if (symbol < 16) return 0;
  return symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
}

function buildTables(literals: u32, distances: u32): Status {
  if (!buildTable(LITERALS, LITERAL_TEMPLATES, LITERAL_BITS, 0, literals, true)) return BAD_LITERAL_CODE;
  if (!buildTable(DISTANCES, DISTANCE_TEMPLATES, DISTANCE_BITS, literals, distances, true)) return BAD_DISTANCE_CODE;
  return GOES_ON;
}
