import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decompress } from '../../../../src/layers/compression/decompress.js';
import { collectBytes, inChunks } from '../../../support/byte-source.js';
import { requirement } from '../../../support/require.js';

const text = Buffer.from('layers are tar archives, compressed or not\n'.repeat(1_000));

/** Bytes that no coder can shorten, the same in every run. */
function noise(size: number): Buffer {
  const count = Math.ceil(size / 32);
  const blocks = Array.from({ length: count }, (_, index) => createHash('sha256').update(`noise ${index}`).digest());
  return Buffer.concat(blocks).subarray(0, size);
}

const read = (bytes: Uint8Array, size?: number): Promise<Buffer> => collectBytes(decompress(inChunks(bytes, size)));
const failure = (bytes: Uint8Array): Promise<unknown> =>
  read(bytes).then(
    () => 'no error',
    (error: unknown) => error,
  );
const pack = (input: Buffer, ...options: string[]): Buffer =>
  execFileSync('bzip2', ['-c', '-q', ...options], { input, maxBuffer: 1 << 30 });

/** Made of `text` by bzip2 1.0. */
const BZIP2 = Buffer.from(
  'QlpoOTFBWSZTWV6Q0+wALOvRgAAQQAQuZ90gMAEwAUyYmQZGCaqibUZGRiFMmJkGRnNSD9Ug5qQYqQZ1INakG1SDSpBipB6qkG9SDzUgzqQYqQZ1IMVIO6kHdSDxUg3qQcVIN6kHVSDapBpUgyqQdVIOqkHNSDFSDKqQd1IOKkHupBlUg4qQZVIMVINakHdSD1Ug/i7kinChIL0hp9g=',
  'base64',
);

describe('bzip2', () => {
  test.each([1, 13, 65536])('is read in chunks of %d bytes', async (size) => {
    expect((await read(BZIP2, size)).equals(text)).toBe(true);
  });

  test('of several streams is their contents one after the other', async () => {
    expect((await read(Buffer.concat([BZIP2, BZIP2]))).equals(Buffer.concat([text, text]))).toBe(true);
  });

  test.each([7, 20, 60, -1, -9])('that is cut off at %d is named so', async (length) => {
    expect(await failure(BZIP2.subarray(0, length))).toMatchObject({
      code: 'LAYER_INVALID',
      message: 'cannot decompress layer: its bzip2 stream is cut off',
    });
  });

  test('with any byte changed never gives other content', async () => {
    for (let at = 7; at < BZIP2.length; at++) {
      const damaged = Buffer.from(BZIP2);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      // bzip2 has bits that mean nothing: lengths of words that are not used.
      const content = await read(damaged).catch((error: unknown) => error);
      if (content instanceof Buffer) expect(content.equals(text), `byte ${at}`).toBe(true);
      else expect(content, `byte ${at}`).toMatchObject({ code: 'LAYER_INVALID' });
    }
  });

  test('followed by something else is damaged', async () => {
    expect(await failure(Buffer.concat([BZIP2, Buffer.from('more')]))).toMatchObject({ code: 'LAYER_INVALID' });
  });

  test('never fails but with a plain error, whatever the bytes', async () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(bytes, fc.nat(BZIP2.length), async (junk, kept) => {
        const error = await failure(Buffer.concat([BZIP2.subarray(0, Math.max(kept, 12)), junk]));
        expect(error === 'no error' || (error as { code?: string }).code === 'LAYER_INVALID').toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

const needed = requirement('bzip2', spawnSync('bzip2', ['--version']).status === 0, 'bzip2 is not installed');

describe.skipIf(needed.skip)(`what bzip2 makes (${needed.reason})`, () => {
  const mixed = Buffer.concat([text, noise(1_000_000), Buffer.alloc(1_500_000), text, noise(100), text]);
  test.each(['-1', '-9'])('with %s is read back', { timeout: 60_000 }, async (option) => {
    expect((await read(pack(mixed, option))).equals(mixed)).toBe(true);
  });

  test('of nothing, and of very little, is read back', async () => {
    for (const input of [Buffer.alloc(0), Buffer.from('a'), Buffer.from('aaaa'), Buffer.from('aaaaa')]) {
      expect((await read(pack(input))).equals(input)).toBe(true);
    }
  });

  test('of any bytes is read back', { timeout: 60_000 }, async () => {
    const runs = fc.array(fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 600 })), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(runs, fc.uint8Array({ maxLength: 2000 }), async (given, tail) => {
        const input = Buffer.concat([...given.map(([byte, count]) => Buffer.alloc(count, byte)), tail]);
        expect((await read(pack(input))).equals(input)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });
});
