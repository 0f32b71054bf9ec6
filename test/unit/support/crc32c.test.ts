import { expect, test } from 'vitest';
import { crc32c } from '../../../src/support/crc32c.js';

// RFC 3720, appendix B.4, and the check value of the CRC catalogues: their results are inverted.
test.each([
  ['nine digits', Buffer.from('123456789'), 0xe3069283],
  ['zeros', Buffer.alloc(32), 0x8a9136aa],
  ['ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['a count', Buffer.from(Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e],
])('has the published checksum of %s', (_, bytes, expected) => {
  expect((crc32c(bytes) ^ 0xffffffff) >>> 0).toBe(expected);
});

test('goes on from a register', () => {
  const bytes = Buffer.from('123456789');
  expect(crc32c(bytes.subarray(4), crc32c(bytes.subarray(0, 4)))).toBe(crc32c(bytes));
});
