import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openSmallHasher, sha256, type SmallHasher } from '../../../src/support/sha256.js';

const built = fileURLToPath(new URL('../../../dist/support/sha256.wasm', import.meta.url));
const reference = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** Compiled by `npm run build`. */
function open(): SmallHasher {
  const hasher = openSmallHasher(built);
  if (hasher === undefined) throw new Error('dist/support/sha256.wasm is missing: run npm run build first');
  return hasher;
}

describe('the module that hashes what is small', () => {
  test('gives the digests of FIPS 180-4', () => {
    const { hash } = open();
    expect(hash('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(hash('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(hash('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq')).toBe(
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    );
  });

  test('agrees with Node about every length around the ends of blocks, one after the other', () => {
    const { hash, size } = open();
    const bytes = Uint8Array.from({ length: size }, (_, at) => (at * 31) & 0xff);
    const around = Array.from({ length: 5 }, (_, blocks) =>
      Array.from({ length: 64 }, (__, more) => blocks * 64 + more),
    );
    for (const length of [...around.flat(), size - 1, size, 3, 0]) {
      const message = bytes.subarray(0, length);
      expect(hash(message)).toBe(reference(message));
    }
  });

  test('agrees with Node about texts, in both encodings', () => {
    const { hash } = open();
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ unit: 'grapheme', maxLength: 40 }));
    const half = fc.constantFrom('\ud800', '\udc00', '');
    fc.assert(
      fc.property(text, half, (whole, lone) => {
        const message = `${whole}${lone}${whole}`;
        for (const encoding of ['utf8', 'latin1'] as const) {
          expect(hash(message, encoding)).toBe(createHash('sha256').update(message, encoding).digest('hex'));
        }
      }),
    );
  });

  test('refuses what may be longer than its memory', () => {
    const { hash, size } = open();
    expect(hash(new Uint8Array(size + 1))).toBeUndefined();
    expect(hash('x'.repeat(size + 1), 'latin1')).toBeUndefined();
    expect(hash('\u20ac'.repeat(Math.ceil(size / 3) + 1))).toBeUndefined();
    expect(hash('x')).toBe(reference(Buffer.from('x')));
  });

  test('is not there where its file is missing or damaged', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsbuild-sha256-'));
    try {
      const file = join(folder, 'sha256.wasm');
      expect(openSmallHasher(file)).toBeUndefined();
      writeFileSync(file, 'no module');
      expect(openSmallHasher(file)).toBeUndefined();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test.each([0, 1, 32_768, 100_000])('a digest of %d bytes is the same whoever makes it', (length) => {
  const bytes = new Uint8Array(length).fill(120);
  expect([sha256(bytes), sha256('x'.repeat(length)), sha256('x'.repeat(length), 'latin1')]).toEqual(
    Array.from({ length: 3 }, () => reference(bytes)),
  );
});
