import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Crc64 } from './crc64.js';

/** What an .xz file has behind each block to check its content by. */
export interface BlockCheck {
  readonly size: number;
  update(bytes: Uint8Array): void;
  matches(stored: Buffer): boolean;
}

/** Sizes by the number of the check; those without an implementation are passed over, as the format asks (section 2.1.1.2). */
const SIZES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64] as const;

export function createBlockCheck(type: number): BlockCheck {
  const size = SIZES[type] ?? 0;
  switch (type) {
    case 1: {
      let value = 0;
      return {
        size,
        update: (bytes) => {
          value = crc32(bytes, value);
        },
        matches: (stored) => stored.readUInt32LE(0) === value,
      };
    }
    case 4: {
      const crc = new Crc64();
      return {
        size,
        update: (bytes) => {
          crc.update(bytes);
        },
        matches: (stored) => crc.finish().equals(stored),
      };
    }
    case 10: {
      const hash = createHash('sha256');
      return {
        size,
        update: (bytes) => {
          hash.update(bytes);
        },
        matches: (stored) => hash.digest().equals(stored),
      };
    }
    default:
      return { size, update: () => undefined, matches: () => true };
  }
}
