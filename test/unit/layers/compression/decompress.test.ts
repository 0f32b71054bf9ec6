import { execFileSync, spawnSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decompress } from '../../../../src/layers/compression/decompress.js';
import { collectBytes, inChunks, streamOf } from '../../../support/byte-source.js';

const text = Buffer.from('layers are tar archives, compressed or not\n'.repeat(20_000));
const two = Buffer.concat([gzipSync(text), gzipSync(text)]);
const zstdInstalled = spawnSync('zstd', ['--version']).status === 0;
const zstd = (input: Buffer, ...options: string[]): Buffer =>
  execFileSync('zstd', ['-c', '-q', ...options], { input, maxBuffer: 1 << 30 });

const read = (bytes: Uint8Array, size?: number): Promise<Buffer> => collectBytes(decompress(inChunks(bytes, size)));
const failing = (bytes: Uint8Array): Promise<unknown> =>
  read(bytes).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('decompress()', () => {
  test.each([1, 7, 65536])('passes what is not compressed, in chunks of %d bytes', async (size) => {
    const plain = text.subarray(0, 5000);
    expect((await read(plain, size)).equals(plain)).toBe(true);
    expect((await read(plain.subarray(0, 2), size)).equals(plain.subarray(0, 2))).toBe(true);
    expect(await read(Buffer.alloc(0), size)).toHaveLength(0);
  });

  test.each([1, 1000, 65536])('reads gzip of several members, in chunks of %d bytes', async (size) => {
    expect((await read(two, size)).equals(Buffer.concat([text, text]))).toBe(true);
  });

  test('takes zeros after gzip for padding, and reads them to their end', async () => {
    const padded = Buffer.concat([gzipSync(text), Buffer.alloc(3_000_000)]);
    let passed = 0;
    async function* source(): AsyncGenerator<Uint8Array> {
      for await (const chunk of inChunks(padded)) {
        passed += chunk.byteLength;
        yield chunk;
      }
    }
    expect((await collectBytes(decompress(source()))).equals(text)).toBe(true);
    expect(passed).toBe(padded.length);
  });

  test.each([3, 12, 100, -1, -9])('names gzip that is cut off at %d', async (length) => {
    expect(await failing(gzipSync(text).subarray(0, length))).toMatchObject({
      code: 'LAYER_INVALID',
      message: expect.stringContaining('cut off') as string,
    });
  });

  test('refuses damaged gzip', async () => {
    const damaged = gzipSync(text);
    damaged.fill(0xff, 40, 60);
    expect(await failing(damaged)).toMatchObject({ code: 'LAYER_INVALID' });
  });

  test('passes on the error of its source', async () => {
    async function* source(): AsyncGenerator<Uint8Array> {
      yield gzipSync(text).subarray(0, 500);
      throw new RangeError('gone');
    }
    await expect(collectBytes(decompress(source()))).rejects.toThrow(RangeError);
  });

  test('gives up its source when the reader stops', async () => {
    let closed = false;
    const compressed = gzipSync(Buffer.alloc(1 << 24, 'x'));
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield compressed;
      } finally {
        closed = true;
      }
    }
    for await (const chunk of decompress(source())) if (chunk.byteLength > 0) break;
    expect(closed).toBe(true);
  });

  test('CVE-2017-14992: refuses what swells a thousandfold beyond a gigabyte', async () => {
    const member = gzipSync(Buffer.alloc(1 << 26), { level: 9 });
    const bomb = streamOf(Array.from({ length: 24 }, () => member));
    let output = 0;
    const reading = async (): Promise<void> => {
      for await (const chunk of decompress(bomb)) output += chunk.byteLength;
    };
    await expect(reading()).rejects.toMatchObject({ code: 'LAYER_INVALID' });
    expect(output).toBeLessThan(2 ** 30 + 2 ** 27);
  });
});

describe.skipIf(!zstdInstalled)('decompress() of zstd (needs the zstd program)', () => {
  test.each([
    ['one frame', () => zstd(text)],
    ['a checksum', () => zstd(text, '--check', '-19')],
    ['no content size', () => zstd(text, '--no-content-size', '--no-check')],
    ['several frames', () => Buffer.concat([zstd(text.subarray(0, 100)), zstd(text.subarray(100))])],
    ['a skippable frame', () => Buffer.concat([Buffer.from('522a4d1803000000010203', 'hex'), zstd(text)])],
    ['tiny frames', () => Buffer.concat([...text.subarray(0, 200)].map((byte) => zstd(Buffer.of(byte))))],
  ])('reads %s, cut anywhere', async (name, compress) => {
    const expected = name === 'tiny frames' ? text.subarray(0, 200) : text;
    const compressed = compress();
    for (const size of [1, 1000, 1 << 20]) expect((await read(compressed, size)).equals(expected)).toBe(true);
  });

  test('reads what does not compress', async () => {
    const noise = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * at * 7919) >> 5));
    expect((await read(zstd(noise))).equals(noise)).toBe(true);
  });

  test.each([5, 9, 100, -1])('names zstd that is cut off at %d', async (length) => {
    const compressed = zstd(Buffer.from(text.map((byte, at) => byte ^ at)));
    expect(await failing(compressed.subarray(0, length))).toMatchObject({
      code: 'LAYER_INVALID',
      message: expect.stringContaining('cut off') as string,
    });
  });

  test('refuses damaged zstd', async () => {
    const damaged = zstd(Buffer.from(text.map((byte, at) => byte ^ (at * 31))));
    damaged.fill(0xff, 8, 60);
    expect(await failing(damaged)).toMatchObject({ code: 'LAYER_INVALID' });
  });

  test('refuses a window that would fill the memory', async () => {
    const huge = Buffer.from('28b52ffd00a8010000', 'hex');
    expect(await failing(huge)).toMatchObject({
      code: 'LAYER_INVALID',
      message: expect.stringContaining('window') as string,
    });
  });

  test('decodes a run of zeros block by block', async () => {
    let longest = 0;
    const compressed = zstd(Buffer.alloc(1 << 26));
    for await (const chunk of decompress(inChunks(compressed, 1 << 20))) longest = Math.max(longest, chunk.byteLength);
    expect(longest).toBeLessThanOrEqual(131072);
  });
});
