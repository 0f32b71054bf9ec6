import { execFileSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { compressGzip } from '../../../../src/layers/compression/gzip.js';
import { collectBytes, inChunks } from '../../../support/byte-source.js';

const sample = (size: number): Buffer =>
  Buffer.from(Uint32Array.from({ length: size / 4 + 1 }, (_, at) => (at * 2654435761) >>> 12).buffer).subarray(0, size);
const compress = (bytes: Buffer, chunk?: number, level?: number): Promise<Buffer> =>
  collectBytes(compressGzip(inChunks(bytes, chunk), level === undefined ? {} : { level }));

describe('compressGzip()', () => {
  test.each([0, 1, 524287, 524288, 524289, 1048576, 6_000_000])('gives back %d bytes', async (size) => {
    const bytes = sample(size);
    expect(gunzipSync(await compress(bytes)).equals(bytes)).toBe(true);
  });

  test('writes the same bytes however its input is cut', async () => {
    const bytes = sample(3_000_000);
    const whole = await compress(bytes, 1 << 24);
    for (const chunk of [999, 65536, 524288]) expect((await compress(bytes, chunk)).equals(whole)).toBe(true);
  });

  test('writes the same bytes however many blocks are on their way', async () => {
    const bytes = sample(3_000_000);
    const one = await collectBytes(compressGzip(inChunks(bytes), { ahead: 0 }));
    expect((await collectBytes(compressGzip(inChunks(bytes), { ahead: 32 }))).equals(one)).toBe(true);
  });

  test('makes less of it at a higher level', async () => {
    const sizes: number[] = [];
    for (const level of [0, 1, 6]) sizes.push((await compress(sample(1_000_000), 65536, level)).length);
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    expect(new Set(sizes).size).toBe(3);
  });

  test.each([0, 1, 9])('compresses at level %d what gzip reads', async (level) => {
    const bytes = sample(2_000_000);
    const output = execFileSync('gzip', ['-dc'], { input: await compress(bytes, 65536, level), maxBuffer: 1 << 26 });
    expect(output.equals(bytes)).toBe(true);
  });

  test('passes on the error of its source', async () => {
    async function* source(): AsyncGenerator<Uint8Array> {
      yield sample(2_000_000);
      throw new RangeError('gone');
    }
    await expect(collectBytes(compressGzip(source()))).rejects.toThrow(RangeError);
  });
});
