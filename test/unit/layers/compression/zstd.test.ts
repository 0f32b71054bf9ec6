import { spawnSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decompress } from '../../../../src/layers/compression/decompress.js';
import { compressZstd } from '../../../../src/layers/compression/zstd.js';
import { loadZstd } from '../../../../src/layers/compression/zstd-frame.js';
import type { ZstdThreads } from '../../../../src/layers/compression/zstd-threads.js';
import { digestOf } from '../../../../src/oci/digest.js';
import { requirement } from '../../../support/require.js';

const zstd = requirement('zstd', spawnSync('zstd', ['--version']).status === 0, 'there is no zstd');

const stream = (...chunks: readonly Uint8Array[]): Readable => Readable.from(chunks, { objectMode: false });
const compressed = async (...chunks: readonly Uint8Array[]): Promise<Buffer> =>
  await buffer(compressZstd(stream(...chunks)));

const large = Buffer.alloc(5 * (1 << 20) + 3);
for (let at = 0; at < large.length; at += 1) large[at] = (at * at) >> 7;

test.each([
  ['nothing', Buffer.alloc(0)],
  ['a byte', Buffer.from('x')],
  ['exactly one frame', large.subarray(0, 2 << 20)],
  ['several frames', large],
])('what comes out is what went in: %s', async (_what, content) => {
  expect((await buffer(decompress(stream(await compressed(content))))).equals(content)).toBe(true);
});

test('the bytes do not depend on how the content came', async () => {
  const expected = await compressed(large);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: large.length }), { maxLength: 5 }), async (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), large.length];
      const parts = at.slice(1).map((end, index) => large.subarray(at[index], end));
      expect((await compressed(...parts)).equals(expected)).toBe(true);
    }),
    { numRuns: 5 },
  );
});

test('the bytes do not depend on threads, nor on which of them is done first', async () => {
  const frame = await loadZstd();
  const threads: ZstdThreads = {
    count: 2,
    compress: async (content, level) => {
      const odd = (content[0] ?? 0) % 2 === 1;
      for (let turns = odd ? 1 : 20; turns > 0; turns -= 1) await Promise.resolve();
      return frame(content, level);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const found = await buffer(compressZstd(stream(large), { threads, level: 5 }));
  expect(found.equals(await buffer(compressZstd(stream(large), { level: 5 })))).toBe(true);
  expect(found.equals(await compressed(large))).toBe(false);
});

test('the failure of a thread is thrown, and that of the source', async () => {
  const threads: ZstdThreads = {
    count: 2,
    compress: () => Promise.reject(new RangeError('gone')),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  await expect(buffer(compressZstd(stream(large), { threads }))).rejects.toThrow(RangeError);
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(large);
    throw new EvalError('cut off');
  }
  await expect(buffer(compressZstd(broken(), { level: 1 }))).rejects.toThrow(EvalError);
});

test.each([1, 19, 22])('what comes out at level %d is what went in', async (level) => {
  const content = large.subarray(0, 1 << 20);
  expect((await buffer(decompress(Readable.from(compressZstd(stream(content), { level }))))).equals(content)).toBe(
    true,
  );
});

test('the bytes are the same on every machine', async () => {
  const text = Buffer.from('the quick brown fox jumps over the lazy dog\n'.repeat(1000));
  expect(digestOf(await compressed(text))).toMatchInlineSnapshot(
    `"sha256:77aab151f3b783b9b18f70dbb6c3bf3cc096b09647ce193cb316630837f5f324"`,
  );
});

test.skipIf(zstd.skip)(`zstd itself reads several frames as one (${zstd.reason})`, async () => {
  const { stdout, status } = spawnSync('zstd', ['-dc'], { input: await compressed(large), maxBuffer: 1 << 24 });
  expect(status).toBe(0);
  expect(stdout.equals(large)).toBe(true);
});
