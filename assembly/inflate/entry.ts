import {
  DISTANCE_SYMBOLS,
  DISTANCE_TEMPLATES,
  LITERAL_SYMBOLS,
  LITERAL_TEMPLATES,
  PRECODE_SYMBOLS,
  PRECODE_TEMPLATES,
} from './layout';

/**
 * What a table says of the bits that come next; all that decoding them takes is in these 32 bits.
 *
 *     0–5    bits to drop: the codeword and the extra bits behind it
 *     7      a literal
 *     8–12   bits of the codeword and `SKEW`; or those of the index of a second table
 *     13–15  end of block; second table; neither literal nor length nor distance: one of those two, or no codeword at all
 *     16–31  a literal; the base of a length or a distance; the index of a second table
 *
 * Shifts in WebAssembly look at the lowest six bits alone: an entry is a count for them as it is, and so is an entry shifted right
 * by 8 when it is that of a length or a distance.
 */
export type Entry = u32;

export const LITERAL: Entry = 1 << 7;
export const BLOCK_END: Entry = 1 << 13;
export const SECOND: Entry = 1 << 14;
export const EXCEPTION: Entry = 1 << 15;
export const VALUE: u32 = 16;

/** Where the bits that come next begin in `decodeQuickly`: an index shifted by so much is the place of its entry in the table. */
export const SKEW: u32 = 2;

/** The entry of a symbol, from its template and the bits of its codeword that this table looks at. */
export function entryOf(template: Entry, codeword: u32): Entry {
  return template + codeword + ((codeword + SKEW) << 8);
}

export function codewordOf(entry: Entry): u32 {
  return ((entry >> 8) & 31) - SKEW;
}

/** RFC 1951 §3.2.5. */
export function prepareTemplates(): void {
  for (let symbol: u32 = 0; symbol < LITERAL_SYMBOLS; symbol++) {
    store<u32>(LITERAL_TEMPLATES + 4 * symbol, literalTemplate(symbol));
  }
  for (let symbol: u32 = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
    store<u32>(DISTANCE_TEMPLATES + 4 * symbol, distanceTemplate(symbol));
  }
  for (let symbol: u32 = 0; symbol < PRECODE_SYMBOLS; symbol++) {
    store<u32>(PRECODE_TEMPLATES + 4 * symbol, symbol << VALUE);
  }
}

function literalTemplate(symbol: u32): Entry {
  if (symbol < 256) return LITERAL | (symbol << VALUE);
  if (symbol == 256) return EXCEPTION | BLOCK_END;
  if (symbol < 265) return (symbol - 254) << VALUE;
  if (symbol == 285) return 258 << VALUE;
  if (symbol > 285) return EXCEPTION;
  const extra = (symbol - 261) >> 2;
  const base = 3 + ((4 + ((symbol - 261) & 3)) << extra);
  return (base << VALUE) | extra;
}

function distanceTemplate(symbol: u32): Entry {
  if (symbol < 4) return (symbol + 1) << VALUE;
  if (symbol > 29) return EXCEPTION;
  const extra = (symbol >> 1) - 1;
  const base = 1 + ((2 + (symbol & 1)) << extra);
  return (base << VALUE) | extra;
}
