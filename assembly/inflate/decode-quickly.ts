import { endBlock } from './block-header';
import { copyMatch } from './copy-match';
import { BLOCK_END, EXCEPTION, LITERAL, SECOND, VALUE } from './entry';
import { DISTANCE_BITS, DISTANCES, LITERAL_BITS, LITERALS, OUTPUT_LIMIT } from './layout';
import { BAD_DISTANCE, BAD_LITERAL, GOES_ON, TOO_FAR_BACK, Status } from './status';
import { Stream } from './stream';

/** Input of which a turn of the loop takes less: it refills four times at most, and reads 8 bytes to keep 7. */
export const QUICK_INPUT: usize = 32;

const LITERAL_MASK: u64 = (1 << LITERAL_BITS) - 1;
const DISTANCE_MASK: u64 = (1 << DISTANCE_BITS) - 1;
const DISTANCE_BITS_AT_MOST: u64 = 28;

/**
 * Decodes while there is plenty of input and of room, without asking at every step whether there is: up to three literals or two and a match in
 * a turn. All state is in variables, which become registers, and so it is one function.
 *
 * A refill reads 8 bytes, keeps as many whole ones as fit, and lets the bits of the next stay above the count: the refill that comes
 * sets the same ones. The count is right modulo 64, as entries are subtracted from it as they are.
 */
// eslint-disable-next-line max-lines-per-function, complexity -- a function for a part of it would keep its variables in memory
export function decodeQuickly(): Status {
  let at = Stream.at;
  let out = Stream.out;
  let bits = Stream.bits;
  let count = Stream.count as u64;
  const lastInput = Stream.end - QUICK_INPUT;
  const oldest = Stream.oldest;
  let status = GOES_ON;
  let ended = false;

  bits |= load<u64>(at) << count;
  at += (((count >> 3) & 7) ^ 7) as usize;
  count |= 56;
  let entry = load<u32>(((bits & LITERAL_MASK) as usize) << 2, LITERALS) as u64;
  for (;;) {
    // Not in one condition: that would be made of both, and then asked.
    if (at > lastInput) break;
    if (out >= OUTPUT_LIMIT) break;
    let before = bits;
    bits >>= entry;
    count -= entry;
    if ((entry & LITERAL) != 0) {
      store<u8>(out, (entry >> VALUE) as u8);
      out++;
      entry = load<u32>(((bits & LITERAL_MASK) as usize) << 2, LITERALS) as u64;
      before = bits;
      bits >>= entry;
      count -= entry;
      if ((entry & LITERAL) != 0) {
        store<u8>(out, (entry >> VALUE) as u8);
        out++;
        entry = load<u32>(((bits & LITERAL_MASK) as usize) << 2, LITERALS) as u64;
        before = bits;
        bits >>= entry;
        count -= entry;
        if ((entry & LITERAL) != 0) {
          store<u8>(out, (entry >> VALUE) as u8);
          out++;
          bits |= load<u64>(at) << count;
          at += (((count >> 3) & 7) ^ 7) as usize;
          count |= 56;
          entry = load<u32>(((bits & LITERAL_MASK) as usize) << 2, LITERALS) as u64;
          continue;
        }
      }
    }
    if ((entry & EXCEPTION) != 0) {
      if ((entry & SECOND) != 0) {
        const size = (entry >> 8) & 31;
        entry = load<u32>((((entry >> VALUE) + (bits & ((1 << size) - 1))) as usize) << 2, LITERALS) as u64;
        before = bits;
        bits >>= entry;
        count -= entry;
        if ((entry & LITERAL) != 0) {
          store<u8>(out++, (entry >> VALUE) as u8);
          bits |= load<u64>(at) << count;
          at += (((count >> 3) & 7) ^ 7) as usize;
          count |= 56;
          entry = load<u32>(((bits & LITERAL_MASK) as usize) << 2, LITERALS) as u64;
          continue;
        }
      }
      if ((entry & EXCEPTION) != 0) {
        ended = (entry & BLOCK_END) != 0;
        if (!ended) status = BAD_LITERAL;
        break;
      }
    }
    const length = ((entry >> VALUE) + ((before & ((1 << entry) - 1)) >> (entry >> 8))) as usize;
    entry = load<u32>(((bits & DISTANCE_MASK) as usize) << 2, DISTANCES) as u64;
    if ((count & 63) < DISTANCE_BITS_AT_MOST) {
      bits |= load<u64>(at) << count;
      at += (((count >> 3) & 7) ^ 7) as usize;
      count |= 56;
    }
    if ((entry & EXCEPTION) != 0) {
      if ((entry & SECOND) == 0) {
        status = BAD_DISTANCE;
        break;
      }
      bits >>= DISTANCE_BITS;
      count -= DISTANCE_BITS;
      const size = (entry >> 8) & 31;
      entry = load<u32>((((entry >> VALUE) + (bits & ((1 << size) - 1))) as usize) << 2, DISTANCES) as u64;
      if ((entry & EXCEPTION) != 0) {
        status = BAD_DISTANCE;
        break;
      }
    }
    const distance = ((entry >> VALUE) + ((bits & ((1 << entry) - 1)) >> (entry >> 8))) as usize;
    bits >>= entry;
    count -= entry;
    if (distance > out - oldest) {
      status = TOO_FAR_BACK;
      break;
    }
    bits |= load<u64>(at) << count;
    at += (((count >> 3) & 7) ^ 7) as usize;
    count |= 56;
    entry = load<u32>(((bits & LITERAL_MASK) as usize) << 2, LITERALS) as u64;
    copyMatch(out, distance, length);
    out += length;
  }
  Stream.at = at;
  Stream.out = out;
  Stream.count = (count as u32) & 63;
  Stream.bits = bits & ((1 << (count & 63)) - 1);
  return ended ? endBlock() : status;
}
