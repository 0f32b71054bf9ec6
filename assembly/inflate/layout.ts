// Where everything is in the module's memory, in bytes. Nothing is ever allocated.

/** Bits of input that decide alone about a literal or length, a distance, a code length; longer codewords go on in a second table. */
export const LITERAL_BITS: u32 = 11;
export const DISTANCE_BITS: u32 = 8;
export const PRECODE_BITS: u32 = 7;

/** RFC 1951 §3.2.6 and §3.2.7: of the fixed codes, which have the most. */
export const LITERAL_SYMBOLS: u32 = 288;
export const DISTANCE_SYMBOLS: u32 = 32;
export const PRECODE_SYMBOLS: u32 = 19;

/** RFC 1951 §3.2.7. */
export const MAX_CODEWORD: u32 = 15;

/** How far back a distance reaches. */
export const HISTORY: usize = 32 << 10;
/** Bytes that are made before they are handed out: they are then still in the processor's cache. */
const CHUNK: usize = 256 << 10;
/** What a turn of the quick loop may write beyond the limit: two literals, the longest match, and words that end behind it. */
const MARGIN: usize = 512;
const INPUT_SIZE: usize = 64 << 10;

export const LITERAL_TEMPLATES: usize = 1024;
export const DISTANCE_TEMPLATES: usize = LITERAL_TEMPLATES + 4 * LITERAL_SYMBOLS;
export const PRECODE_TEMPLATES: usize = DISTANCE_TEMPLATES + 4 * DISTANCE_SYMBOLS;

/** Of the precode, and then of the literals and the distances: a byte for each symbol. */
export const LENGTHS: usize = PRECODE_TEMPLATES + 4 * PRECODE_SYMBOLS;
export const COUNTS: usize = LENGTHS + LITERAL_SYMBOLS + DISTANCE_SYMBOLS;
export const STARTS: usize = COUNTS + 4 * (MAX_CODEWORD + 1);
export const SORTED: usize = STARTS + 4 * (MAX_CODEWORD + 1);

/**
 * Tables and their second tables. No code of 288 symbols needs more than 2342 entries, none of 32 more than 402 (zlib's program
 * `enough` finds those); the next power of two is there for both.
 */
export const LITERALS: usize = 8192;
export const DISTANCES: usize = LITERALS + 4 * 4096;
export const PRECODE: usize = DISTANCES + 4 * 512;

export const INPUT: usize = PRECODE + 4 * 128;
export const INPUT_END: usize = INPUT + INPUT_SIZE;
export const WINDOW: usize = INPUT_END;
export const OUTPUT: usize = WINDOW + HISTORY;
/** When output has come here, it has to be taken. */
export const OUTPUT_LIMIT: usize = OUTPUT + CHUNK;
export const MEMORY_END: usize = OUTPUT_LIMIT + MARGIN;
