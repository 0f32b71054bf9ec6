import { endBlock } from './block-header';
import { BLOCK_END, codewordOf, EXCEPTION, LITERAL, SECOND, VALUE, Entry } from './entry';
import { DISTANCE_BITS, DISTANCES, LITERAL_BITS, LITERALS } from './layout';
import { BAD_DISTANCE, BAD_LITERAL, GOES_ON, NEEDS_INPUT, TOO_FAR_BACK, Status } from './status';
import { drop, refill, Stream } from './stream';

/**
 * Decodes one literal, match or end of block, wherever the input ends: when it ends within, nothing of it is taken. Like zlib it
 * refuses what is wrong as soon as that can be seen.
 */
export function decodeCarefully(): Status {
  // A match is 48 bits at most.
  refill();
  let entry = first(LITERALS, LITERAL_BITS, Stream.bits);
  let used: u32 = 0;
  if ((entry & SECOND) != 0) {
    used = LITERAL_BITS;
    entry = second(LITERALS, entry, Stream.bits >> LITERAL_BITS);
  }
  if (Stream.count < used + codewordOf(entry)) return NEEDS_INPUT;
  if ((entry & LITERAL) != 0) {
    drop(used + codewordOf(entry));
    store<u8>(Stream.out++, (entry >> VALUE) as u8);
    return GOES_ON;
  }
  if ((entry & BLOCK_END) != 0) {
    drop(used + codewordOf(entry));
    return endBlock();
  }
  if ((entry & EXCEPTION) != 0) return BAD_LITERAL;
  const length = valueOf(entry, Stream.bits >> used);
  used += entry & 63;
  return Stream.count < used ? NEEDS_INPUT : takeMatch(length, used);
}

/** @param used bits that the length took, which are still there */
function takeMatch(length: u32, used: u32): Status {
  const bits = Stream.bits >> used;
  let entry = first(DISTANCES, DISTANCE_BITS, bits);
  let skipped: u32 = 0;
  if ((entry & SECOND) != 0) {
    skipped = DISTANCE_BITS;
    entry = second(DISTANCES, entry, bits >> DISTANCE_BITS);
  }
  if (Stream.count < used + skipped + codewordOf(entry)) return NEEDS_INPUT;
  if ((entry & EXCEPTION) != 0) return BAD_DISTANCE;
  const all = used + skipped + (entry & 63);
  if (Stream.count < all) return NEEDS_INPUT;
  const distance = valueOf(entry, bits >> skipped) as usize;
  if (distance > Stream.out - Stream.oldest) return TOO_FAR_BACK;
  drop(all);
  const end = Stream.out + length;
  for (let out = Stream.out; out < end; out++) store<u8>(out, load<u8>(out - distance));
  Stream.out = end;
  return GOES_ON;
}

function first(table: usize, size: u32, bits: u64): Entry {
  return load<u32>(table + 4 * ((bits as usize) & ((1 << size) - 1)));
}

function second(table: usize, entry: Entry, bits: u64): Entry {
  const size = (entry >> 8) & 31;
  return load<u32>(table + 4 * ((entry >> VALUE) + ((bits as u32) & ((1 << size) - 1))));
}

/** The base and the extra bits, which are behind the codeword. */
function valueOf(entry: Entry, bits: u64): u32 {
  const extra = ((bits & ((1 << (entry as u64)) - 1)) >> (codewordOf(entry) as u64)) as u32;
  return (entry >> VALUE) + extra;
}
