import fc from 'fast-check';
import { constants, createDeflateRaw, deflateRawSync, type DeflateRaw, type ZlibOptions } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { compileInflate } from '../../../../src/layers/compression/inflate/inflate-module.js';
import type { Inflater } from '../../../../src/layers/compression/inflate/inflater.js';
import { BitWriter } from './bit-writer.js';
import { wasmInflater, zlibInflater } from './inflaters.js';

const shared = wasmInflater();

interface Outcome {
  readonly content?: Buffer;
  /** Bytes behind the data's end. */
  readonly behind?: number;
  readonly error?: string;
}

function inflate(inflater: Inflater, bytes: Buffer, chunkSize: number): Outcome {
  const content: Buffer[] = [];
  try {
    for (let at = 0; at < bytes.length; at += chunkSize) {
      const inflating = inflater.push(bytes.subarray(at, at + chunkSize));
      let next = inflating.next();
      for (; next.done !== true; next = inflating.next()) content.push(Buffer.from(next.value));
      if (next.value === undefined) continue;
      const behind = next.value.length + Math.max(0, bytes.length - at - chunkSize);
      return { content: Buffer.concat(content), behind };
    }
    return { content: Buffer.concat(content), behind: 0 };
  } catch (error) {
    return { error: `${(error as NodeJS.ErrnoException).code}: ${(error as Error).message}` };
  }
}

/** What zlib does with the bytes, after it was seen that the module does the same. */
function agreed(bytes: Buffer, chunkSize: number): Outcome {
  using reference = zlibInflater();
  const expected = inflate(reference, bytes, 1 << 16);
  shared.reset();
  const found = inflate(shared, bytes, chunkSize);
  const { content, ...rest } = found;
  if (rest.error !== expected.error || rest.behind !== expected.behind) {
    expect({ ...rest, bytes: bytes.toString('hex') }).toEqual({ error: expected.error, behind: expected.behind });
  }
  if (content !== undefined && expected.content?.equals(content) !== true) {
    throw new Error(`other content: ${bytes.toString('hex')}`);
  }
  return expected;
}

const chunkSizes = fc.constantFrom(1, 2, 3, 7, 33, 64, 1000, 1 << 16);
const content = fc.oneof(
  fc.uint8Array({ maxLength: 3000 }),
  // Repetitions near and far: a list of what is new, and of what is copied from how far back.
  fc.array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.nat({ max: 70_000 }), fc.nat({ max: 2000 }))).map((parts) => {
    const bytes: number[] = [];
    for (const [fresh, distance, length] of parts) {
      bytes.push(...fresh);
      for (let left = bytes.length > 0 ? length : 0; left > 0; left--) {
        bytes.push(bytes[bytes.length - 1 - (distance % bytes.length)] ?? 0);
      }
    }
    return Uint8Array.from(bytes);
  }),
);
const zlibOptions: fc.Arbitrary<ZlibOptions> = fc.record({
  level: fc.nat({ max: 9 }),
  strategy: fc.nat({ max: 4 }),
  windowBits: fc.integer({ min: 9, max: 15 }),
  memLevel: fc.integer({ min: 1, max: 9 }),
});

/** With a flush of one kind or another behind every part. */
function deflateInParts(parts: readonly Uint8Array[], flushes: readonly number[], options: ZlibOptions): Buffer {
  const stream = createDeflateRaw(options);
  // As the reader's own internals: a flush that waits for nobody is not to be had otherwise.
  const { _handle: handle, _writeState: state } = stream as unknown as DeflateRaw & {
    _handle: { writeSync(...call: unknown[]): void };
    _writeState: Uint32Array;
  };
  const out = Buffer.alloc(1 << 18);
  const written: Buffer[] = [];
  for (const [index, part] of [...parts, Buffer.alloc(0)].entries()) {
    const flush = index === parts.length ? constants.Z_FINISH : (flushes[index % flushes.length] ?? 0);
    handle.writeSync(flush, part, 0, part.length, out, 0, out.length);
    written.push(Buffer.from(out.subarray(0, out.length - (state[0] ?? 0))));
  }
  stream.close();
  return Buffer.concat(written);
}

describe('the WebAssembly inflater', () => {
  test('inflates what zlib has deflated, at every level, strategy and window, wherever chunks end', () => {
    fc.assert(
      fc.property(
        content,
        zlibOptions,
        chunkSizes,
        fc.uint8Array({ maxLength: 20 }),
        (bytes, options, size, behind) => {
          const deflated = deflateRawSync(bytes, options);
          const outcome = agreed(Buffer.concat([deflated, behind]), size);
          expect(outcome.content?.equals(bytes)).toBe(true);
          expect(outcome.behind).toBe(behind.length);
        },
      ),
      { numRuns: 70 },
    );
  });

  test('goes on behind every kind of flush', () => {
    const flushes = fc.array(
      fc.constantFrom(
        constants.Z_NO_FLUSH,
        constants.Z_PARTIAL_FLUSH,
        constants.Z_SYNC_FLUSH,
        constants.Z_FULL_FLUSH,
        constants.Z_BLOCK,
      ),
      { minLength: 1, maxLength: 5 },
    );
    fc.assert(
      fc.property(
        fc.array(content, { maxLength: 4 }),
        flushes,
        zlibOptions,
        chunkSizes,
        (parts, kinds, options, size) => {
          const outcome = agreed(deflateInParts(parts, kinds, options), size);
          expect(outcome.content?.equals(Buffer.concat(parts))).toBe(true);
        },
      ),
      { numRuns: 25 },
    );
  });

  test('refuses what zlib refuses, with its words, of deflated data with bits that were turned or with an end cut off', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 7 })), { maxLength: 3 });
    const errors = new Set<string | undefined>();
    fc.assert(
      fc.property(content, zlibOptions, flips, fc.nat({ max: 40 }), chunkSizes, (bytes, options, turned, cut, size) => {
        const deflated = deflateRawSync(bytes, options);
        for (const [at, bit] of turned) {
          // Half of them in the headers, where most of what can be wrong is.
          const index = at % (at % 2 === 0 ? deflated.length : Math.min(deflated.length, 80));
          deflated.writeUInt8(deflated.readUInt8(index) ^ (1 << bit), index);
        }
        errors.add(agreed(deflated.subarray(0, Math.max(0, deflated.length - cut)), size).error);
      }),
      { numRuns: 150 },
    );
    expect(errors.size).toBeGreaterThan(3);
  });

  test('refuses of random bytes what zlib refuses', () => {
    const block = fc.constantFrom(0b001, 0b011, 0b101, 0b100, 0b111);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), block, chunkSizes, (bytes, start, size) => {
        bytes[0] = ((bytes[0] ?? 0) & 0xf8) | start;
        agreed(Buffer.from(bytes), size);
      }),
      { numRuns: 400 },
    );
  });

  test('takes and refuses the same codes as zlib: incomplete ones, too full ones, those of one codeword or none', () => {
    const lengths = (count: number): fc.Arbitrary<number[]> =>
      fc.oneof(
        // Halves of halves: a complete code, of which a codeword may then be changed.
        fc
          .tuple(
            fc.array(fc.nat(), { maxLength: 60 }),
            fc.option(fc.tuple(fc.nat(), fc.nat({ max: 15 })), { nil: undefined }),
          )
          .map(([splits, change]) => {
            const code = [1, 1];
            for (const split of splits) {
              const [length = 15] = code.splice(split % code.length, 1);
              code.push(...(length < 15 ? [length + 1, length + 1] : [length]));
            }
            const all = [...code, ...Array<number>(count).fill(0)].slice(0, count);
            if (change !== undefined) all[change[0] % count] = change[1];
            return all;
          }),
        fc.array(fc.constantFrom(0, 0, 0, 0, 1), { minLength: count, maxLength: count }),
      );
    const counts = fc.tuple(fc.integer({ min: 257, max: 286 }), fc.integer({ min: 1, max: 30 }));
    const codes = counts.chain(([literals, distances]) => fc.tuple(lengths(literals), lengths(distances)));
    const errors = new Set<string | undefined>();
    fc.assert(
      fc.property(codes, fc.uint8Array({ maxLength: 60 }), chunkSizes, ([literals, distances], data, size) => {
        // An end of block, most often: without it nothing else is looked at.
        if (data.length % 8 !== 0) literals.reverse();
        if (data.length % 8 !== 0) literals[256] = literals.find((length) => length > 0) ?? 1;
        const bits = new BitWriter();
        bits.dynamicHeader(literals, distances);
        for (const byte of data) bits.value(byte, 8);
        errors.add(agreed(bits.bytes(), size).error);
      }),
      { numRuns: 250 },
    );
    expect([...errors]).toEqual(
      expect.arrayContaining([
        'Z_DATA_ERROR: invalid literal/lengths set',
        'Z_DATA_ERROR: invalid distances set',
        'Z_DATA_ERROR: invalid code -- missing end-of-block',
      ]),
    );
  });

  test.each<[string, string, string]>([
    ['a block of no type', '07', 'invalid block type'],
    ['a stored block whose lengths differ', '01 0100 0000 61', 'invalid stored block lengths'],
    ['too many symbols', 'fd ff 00 00', 'too many length or distance symbols'],
    ['a distance before the beginning', '03 02', 'invalid distance too far back'],
  ])('refuses %s', (_, hex, message) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    for (const size of [1, 100]) expect(agreed(bytes, size).error).toBe(`Z_DATA_ERROR: ${message}`);
  });

  test('hands out what is longer than its memory, and reaches back over its edges', () => {
    const period = Buffer.from(Array.from({ length: 32_768 }, (_, index) => (index * 7919) >> 3));
    const bytes = Buffer.concat(Array<Buffer>(40).fill(period));
    for (const level of [0, 1, 9]) {
      const deflated = deflateRawSync(bytes, { level });
      for (const size of [999, 1 << 16, deflated.length]) {
        expect(agreed(deflated, size).content?.equals(bytes)).toBe(true);
      }
    }
  });

  test('goes on when its memory was full just where a chunk ended', () => {
    const sizes = [65_535, 65_535, 65_535, 65_535, 4, 1000];
    const blocks = sizes.map((size, index) => {
      const header = Buffer.from([
        index === sizes.length - 1 ? 1 : 0,
        size & 255,
        size >> 8,
        ~size & 255,
        (~size >> 8) & 255,
      ]);
      return Buffer.concat([header, Buffer.alloc(size, index + 1)]);
    });
    expect(agreed(Buffer.concat(blocks), Buffer.concat(blocks.slice(0, 5)).length).content?.length).toBe(
      262_144 + 1000,
    );
  });

  test('hands out what it has when a chunk ends', () => {
    const inflater = wasmInflater();
    const [first] = [...inflater.push(deflateRawSync('abc').subarray(0, 2))];
    expect(first?.toString()).toBe('a');
  });

  test('begins anew after a failure and in the middle', () => {
    const inflater = wasmInflater();
    expect(inflate(inflater, Buffer.of(7), 1).error).toBeDefined();
    inflater.reset();
    expect(inflate(inflater, deflateRawSync('abcabc'.repeat(100)).subarray(0, 5), 1).error).toBeUndefined();
    inflater.reset();
    expect(inflate(inflater, deflateRawSync('whole'), 2).content?.toString()).toBe('whole');
  });

  test('is not there where there is no module', () => {
    expect(compileInflate(new URL('nothing.wasm', import.meta.url))).toBeUndefined();
  });
});
