// What a call ends with. src/layers/compression/wasm-inflater.ts has the same numbers.

export type Status = i32;

/** Within the module: the next part of the stream can be decoded. */
export const GOES_ON: Status = 0;
/** All input has been taken, and the stream has not ended. */
export const NEEDS_INPUT: Status = 1;
/** There is output to be taken before more can be made. */
export const FULL: Status = 2;
export const ENDED: Status = 3;

// The stream is damaged, in the ways that zlib tells apart.
export const BAD_BLOCK_TYPE: Status = 16;
export const BAD_STORED_LENGTH: Status = 17;
export const TOO_MANY_SYMBOLS: Status = 18;
export const BAD_PRECODE: Status = 19;
export const BAD_REPEAT: Status = 20;
export const NO_END_OF_BLOCK: Status = 21;
export const BAD_LITERAL_CODE: Status = 22;
export const BAD_DISTANCE_CODE: Status = 23;
export const BAD_LITERAL: Status = 24;
export const BAD_DISTANCE: Status = 25;
export const TOO_FAR_BACK: Status = 26;
