import { endBlock } from './block-header';
import { copyMatch } from './copy-match';
import { BLOCK_END, EXCEPTION, LITERAL, SECOND, SKEW, VALUE } from './entry';
import { DISTANCE_BITS, DISTANCES, LITERAL_BITS, LITERALS, OUTPUT_LIMIT } from './layout';
import { BAD_DISTANCE, BAD_LITERAL, GOES_ON, TOO_FAR_BACK, Status } from './status';
import { Stream } from './stream';

/** Input of which a turn of the loop takes less: it refills three times at most, and reads 8 bytes to keep 7. */
export const QUICK_INPUT: usize = 32;

/** The next bits, times the size of an entry: the bits that come next begin at `SKEW`. */
const LITERAL_INDEX: u64 = ((1 << LITERAL_BITS) - 1) << SKEW;
const DISTANCE_INDEX: u64 = ((1 << DISTANCE_BITS) - 1) << SKEW;
/** Shifted by the bits of an entry, and less one, it covers those, and the used ones below. */
const COVER: u64 = 1 << SKEW;
const LONGEST_DISTANCE: u64 = 28 + SKEW;

/**
 * Decodes while there is plenty of input and of room, without asking at every step whether there is: up to four literals, or three and
 * a match, in a turn. All state is in variables, which become registers, and so it is one function.
 *
 * The bits that come next begin at bit 2, so that an index of a table needs no shift; what is below has been used. A refill reads
 * 8 bytes, keeps as many whole ones as fit, and lets the bits of the next stay above the count: the refill that comes sets the same
 * ones. The count, of all bits below, is right modulo 64, as entries are subtracted from it as they are. After a refill there are 54
 * bits: four look-ups of 11, or three and a length of 20; a distance of up to 28 has a refill of its own when it may need it.
 */
/* eslint-disable max-lines-per-function, complexity, max-depth -- a function for a part of it would keep its variables in memory */
export function decodeQuickly(): Status {
  let at = Stream.at;
  let out = Stream.out;
  let bits = Stream.bits << SKEW;
  let count = (Stream.count as u64) + SKEW;
  const lastInput = Stream.end - QUICK_INPUT;
  const oldest = Stream.oldest;
  let status = GOES_ON;
  let ended = false;

  bits |= load<u64>(at) << count;
  at += (((count >> 3) & 7) ^ 7) as usize;
  count |= 56;
  let entry = load<u32>((bits & LITERAL_INDEX) as usize, LITERALS) as u64;
  for (;;) {
    // Not in one condition: that would be made of both, and then asked.
    if (at > lastInput) break;
    if (out >= OUTPUT_LIMIT) break;
    let before = bits;
    bits >>= entry;
    count -= entry;
    if ((entry & LITERAL) != 0) {
      store<u8>(out, (entry >> VALUE) as u8);
      entry = load<u32>((bits & LITERAL_INDEX) as usize, LITERALS) as u64;
      out++;
      before = bits;
      bits >>= entry;
      count -= entry;
      if ((entry & LITERAL) != 0) {
        store<u8>(out, (entry >> VALUE) as u8);
        entry = load<u32>((bits & LITERAL_INDEX) as usize, LITERALS) as u64;
        out++;
        before = bits;
        bits >>= entry;
        count -= entry;
        if ((entry & LITERAL) != 0) {
          store<u8>(out, (entry >> VALUE) as u8);
          entry = load<u32>((bits & LITERAL_INDEX) as usize, LITERALS) as u64;
          out++;
          before = bits;
          bits >>= entry;
          count -= entry;
          if ((entry & LITERAL) != 0) {
            bits |= load<u64>(at) << count;
            store<u8>(out, (entry >> VALUE) as u8);
            at += (((count >> 3) & 7) ^ 7) as usize;
            entry = load<u32>((bits & LITERAL_INDEX) as usize, LITERALS) as u64;
            count |= 56;
            out++;
            continue;
          }
        }
      }
    }
    if ((entry & EXCEPTION) != 0) {
      if ((entry & SECOND) != 0) {
        const index = ((entry >> VALUE) << SKEW) + (bits & (((1 << sizeOf(entry)) - 1) << SKEW));
        entry = load<u32>(index as usize, LITERALS) as u64;
        before = bits;
        bits >>= entry;
        count -= entry;
        if ((entry & LITERAL) != 0) {
          store<u8>(out++, (entry >> VALUE) as u8);
          bits |= load<u64>(at) << count;
          at += (((count >> 3) & 7) ^ 7) as usize;
          count |= 56;
          entry = load<u32>((bits & LITERAL_INDEX) as usize, LITERALS) as u64;
          continue;
        }
      }
      if ((entry & EXCEPTION) != 0) {
        ended = (entry & BLOCK_END) != 0;
        if (!ended) status = BAD_LITERAL;
        break;
      }
    }
    const length = ((entry >> VALUE) + ((before & ((COVER << entry) - 1)) >> (entry >> 8))) as usize;
    if ((count & 63) < LONGEST_DISTANCE) {
      bits |= load<u64>(at) << count;
      at += (((count >> 3) & 7) ^ 7) as usize;
      count |= 56;
    }
    entry = load<u32>((bits & DISTANCE_INDEX) as usize, DISTANCES) as u64;
    if ((entry & EXCEPTION) != 0) {
      if ((entry & SECOND) == 0) {
        status = BAD_DISTANCE;
        break;
      }
      bits >>= DISTANCE_BITS;
      count -= DISTANCE_BITS;
      const index = ((entry >> VALUE) << SKEW) + (bits & (((1 << sizeOf(entry)) - 1) << SKEW));
      entry = load<u32>(index as usize, DISTANCES) as u64;
      if ((entry & EXCEPTION) != 0) {
        status = BAD_DISTANCE;
        break;
      }
    }
    const distance = ((entry >> VALUE) + ((bits & ((COVER << entry) - 1)) >> (entry >> 8))) as usize;
    bits >>= entry;
    count -= entry;
    if (distance > out - oldest) {
      status = TOO_FAR_BACK;
      break;
    }
    bits |= load<u64>(at) << count;
    at += (((count >> 3) & 7) ^ 7) as usize;
    entry = load<u32>((bits & LITERAL_INDEX) as usize, LITERALS) as u64;
    count |= 56;
    copyMatch(out, distance, length);
    out += length;
  }
  count = (count & 63) - SKEW;
  Stream.at = at;
  Stream.out = out;
  Stream.count = count as u32;
  Stream.bits = (bits >> SKEW) & ((1 << count) - 1);
  return ended ? endBlock() : status;
}

/** Of the index of a second table, in bits. */
function sizeOf(entry: u64): u64 {
  return (entry >> 8) & 31;
}
