import fc from 'fast-check';
import { crc32, deflateRawSync, gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { BlockingGunzip } from '../../../../src/layers/compression/blocking-gunzip.js';
import type { Inflater } from '../../../../src/layers/compression/inflate/inflater.js';
import { wasmInflater, zlibInflater } from './inflaters.js';

type Inflate = (bytes: Buffer, chunkSize: number) => Buffer;

function inflateBy(inflater: Inflater, bytes: Buffer, chunkSize: number): Buffer {
  using gunzip = new BlockingGunzip(inflater);
  const inflated: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkSize) {
    for (const chunk of gunzip.push(bytes.subarray(at, at + chunkSize))) inflated.push(Buffer.from(chunk));
  }
  gunzip.finish();
  return Buffer.concat(inflated);
}

interface Fields {
  readonly content: Uint8Array;
  readonly extra?: Uint8Array | undefined;
  readonly name?: string | undefined;
  readonly comment?: string | undefined;
  readonly checksum: boolean;
}

/** RFC 1952 §2.3, with the fields that `gzipSync` never writes. */
function member({ content, extra, name, comment, checksum }: Fields): Buffer {
  const flags =
    (checksum ? 2 : 0) |
    (extra === undefined ? 0 : 4) |
    (name === undefined ? 0 : 8) |
    (comment === undefined ? 0 : 16);
  const parts: Uint8Array[] = [Buffer.of(0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 3)];
  if (extra !== undefined) parts.push(Buffer.of(extra.length & 0xff, extra.length >> 8), extra);
  for (const text of [name, comment]) if (text !== undefined) parts.push(Buffer.from(`${text}\0`, 'latin1'));
  const header = Buffer.concat(parts);
  const sum = Buffer.alloc(2);
  sum.writeUInt16LE(crc32(header) & 0xffff);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(content));
  trailer.writeUInt32LE(content.length, 4);
  return Buffer.concat([header, checksum ? sum : Buffer.alloc(0), deflateRawSync(content), trailer]);
}

const text = fc.option(
  fc.string({ maxLength: 20 }).map((word) => word.replaceAll(/[^ -~]/g, '')),
  { nil: undefined },
);
const fields: fc.Arbitrary<Fields> = fc.record({
  content: fc.uint8Array({ maxLength: 500 }),
  extra: fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined }),
  name: text,
  comment: text,
  checksum: fc.boolean(),
});

describe.each<[string, Inflate]>([
  ['zlib', (bytes, chunkSize) => inflateBy(zlibInflater(), bytes, chunkSize)],
  ['WebAssembly', (bytes, chunkSize) => inflateBy(wasmInflater(), bytes, chunkSize)],
])('BlockingGunzip by %s', (_, inflate) => {
  test('inflates what zlib inflates, whatever is in the headers and wherever chunks end', () => {
    fc.assert(
      fc.property(fc.array(fields, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 70 }), (list, size) => {
        const bytes = Buffer.concat(list.map(member));
        expect(inflate(bytes, size).equals(gunzipSync(bytes))).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test('knows of every cut that something is missing', () => {
    const bytes = member({
      content: Buffer.from('abc'),
      extra: Buffer.alloc(3),
      name: 'n',
      comment: 'c',
      checksum: true,
    });
    for (let end = 1; end < bytes.length; end += 1) {
      for (const size of [1, 1000]) {
        expect(() => inflate(bytes.subarray(0, end), size), `${end} bytes`).toThrow('unexpected end of file');
      }
    }
  });

  test.each<[string, Buffer, string]>([
    ['another method', Buffer.of(0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 0), 'unknown compression method'],
    ['reserved flags', Buffer.of(0x1f, 0x8b, 8, 0x80, 0, 0, 0, 0, 0, 0), 'unknown header flags set'],
    [
      'rubbish after a member',
      Buffer.concat([gzipSync('x'), Buffer.from('rubbish, no gzip')]),
      'incorrect header check',
    ],
    ['a wrong length', gzipSync('x').fill(9, 17), 'incorrect length check'],
  ])('refuses %s as zlib does', (_what, bytes, message) => {
    expect(() => gunzipSync(bytes)).toThrow(message);
    expect(() => inflate(bytes, 7)).toThrow(message);
  });

  test('takes zeros after a member for padding', () => {
    const bytes = Buffer.concat([gzipSync('x'), Buffer.alloc(40), Buffer.from('more')]);
    for (const size of [1, 5, 1000]) expect(inflate(bytes, size).toString()).toBe('x');
  });
});
