import { OUTPUT } from './layout';

/** What comes next in the stream. */
export type Mode = u32;
export const BLOCK_START: Mode = 0;
export const STORED_LENGTH: Mode = 1;
export const STORED: Mode = 2;
export const CODE_SIZES: Mode = 3;
export const PRECODE_LENGTHS: Mode = 4;
export const CODE_LENGTHS: Mode = 5;
export const SYMBOLS: Mode = 6;
export const STREAM_END: Mode = 7;

/** The state between two parts of a stream, and so between two calls. */
export class Stream {
  static mode: Mode = BLOCK_START;
  /** Whether the block at hand is the last. */
  static last: bool = false;

  /** Input that was read and not used, the next bit lowest, and how many bits that are, at most 61; above them are zeros. */
  static bits: u64 = 0;
  static count: u32 = 0;
  static at: usize = 0;
  static end: usize = 0;

  static out: usize = OUTPUT;
  /** The oldest byte that a distance may reach. */
  static oldest: usize = OUTPUT;

  /** Bytes of a stored block that are to come. */
  static stored: u32 = 0;

  static literals: u32 = 0;
  static distances: u32 = 0;
  static precodes: u32 = 0;
  /** Code lengths that have been read, of the precode or of both codes. */
  static read: u32 = 0;
  /** Whether the tables are those of the fixed codes. */
  static fixed: bool = false;
}

export function resetStream(): void {
  Stream.mode = BLOCK_START;
  Stream.last = false;
  Stream.bits = 0;
  Stream.count = 0;
  Stream.out = OUTPUT;
  Stream.oldest = OUTPUT;
}

/** Fills up with whole bytes: with 54 bits or more, or with all input there is. */
export function refill(): void {
  let bits = Stream.bits;
  let count = Stream.count;
  let at = Stream.at;
  const end = Stream.end;
  while (count < 54 && at < end) {
    bits |= (load<u8>(at++) as u64) << count;
    count += 8;
  }
  Stream.bits = bits;
  Stream.count = count;
  Stream.at = at;
}

/** Whether so many bits are there, 54 at most. */
export function has(bits: u32): bool {
  if (Stream.count < bits) refill();
  return Stream.count >= bits;
}

export function drop(bits: u32): void {
  Stream.bits >>= bits;
  Stream.count -= bits;
}

export function take(bits: u32): u32 {
  const value = (Stream.bits as u32) & ((1 << bits) - 1);
  drop(bits);
  return value;
}

/** Gives whole bytes that were read and not used back to the input, from which they came in this call. */
export function alignToByte(): void {
  Stream.at -= Stream.count >> 3;
  Stream.bits = 0;
  Stream.count = 0;
}
