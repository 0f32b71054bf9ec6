/**
 * Copies what is `distance` before `out`, in words, of which the last ends up to 31 bytes behind the match: what comes next
 * overwrites that. Most matches are copied without a loop.
 */
export function copyMatch(out: usize, distance: usize, length: usize): void {
  const end = out + length;
  let from = out - distance;
  if (distance >= 16) {
    v128.store(out, v128.load(from));
    v128.store(out, v128.load(from, 16), 16);
    if (length <= 32) return;
    do {
      from += 32;
      out += 32;
      v128.store(out, v128.load(from));
      v128.store(out, v128.load(from, 16), 16);
    } while (out + 32 < end);
  } else if (distance == 1) {
    const word = i8x16.splat(load<i8>(from));
    do {
      v128.store(out, word);
      v128.store(out, word, 16);
      out += 32;
    } while (out < end);
  } else {
    // Of a word that overlaps its source the bytes of one period are right; the next word goes on behind those.
    const step = min(distance, 8);
    do {
      store<u64>(out, load<u64>(from));
      from += step;
      out += step;
    } while (out < end);
  }
}
