/** CRC-32 of Castagnoli (RFC 3720, section 12.1), reflected. */
const POLYNOMIAL = 0x82f63b78;
const BITS_OF_BYTE = 8;

/**
 * The register after these bytes, without the inversion at the end, as Linux's `crc32c()` has it. Bit by bit: for headers, not
 * for content.
 */
export function crc32c(bytes: Uint8Array, register = 0xffffffff): number {
  let crc = register;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < BITS_OF_BYTE; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : POLYNOMIAL);
  }
  return crc >>> 0;
}
