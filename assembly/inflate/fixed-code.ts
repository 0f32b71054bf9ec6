import { DISTANCE_SYMBOLS, LENGTHS, LITERAL_SYMBOLS } from './layout';

/** RFC 1951 §3.2.6. Two literals and two distances have a codeword and must not be used. */
export function prepareFixedLengths(): void {
  memory.fill(LENGTHS, 8, 144);
  memory.fill(LENGTHS + 144, 9, 112);
  memory.fill(LENGTHS + 256, 7, 24);
  memory.fill(LENGTHS + 280, 8, LITERAL_SYMBOLS - 280);
  memory.fill(LENGTHS + LITERAL_SYMBOLS, 5, DISTANCE_SYMBOLS);
}
