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
const pack = (program: string, input: Buffer, ...options: string[]): Buffer =>
  execFileSync(program, ['-c', '-q', ...options], { input, maxBuffer: 1 << 30 });

/** Made by xz 5.4 and bzip2 1.0 of `text`. */
const XZ = Buffer.from(
  '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4Kf3AHFdADYYS5jpxdnwVT2LDt/wL6HCtRHM6rvLJgYEDFnU1slNQ6UxEKrVsm31/5RJlY4UOk2IACDlO5W5ITNpbz2rKVSgo/qI2YUeb7rU47WIIj7csmDqZOfAjd4IiDiJFaEjwfuHPUKclLQjhPm1KMUYygAAAAAAAJhXSD3asnK+AAGNAfjPAgDcdwy3scRn+wIAAAAABFla',
  'base64',
);
const BZIP2 = Buffer.from(
  'QlpoOTFBWSZTWV6Q0+wALOvRgAAQQAQuZ90gMAEwAUyYmQZGCaqibUZGRiFMmJkGRnNSD9Ug5qQYqQZ1INakG1SDSpBipB6qkG9SDzUgzqQYqQZ1IMVIO6kHdSDxUg3qQcVIN6kHVSDapBpUgyqQdVIOqkHNSDFSDKqQd1IOKkHupBlUg4qQZVIMVINakHdSD1Ug/i7kinChIL0hp9g=',
  'base64',
);

describe.each([
  { format: 'xz', packed: XZ },
  { format: 'bzip2', packed: BZIP2 },
])('$format', ({ format, packed }) => {
  test.each([1, 13, 65536])('is read in chunks of %d bytes', async (size) => {
    expect((await read(packed, size)).equals(text)).toBe(true);
  });

  test('of several streams is their contents one after the other', async () => {
    expect((await read(Buffer.concat([packed, packed]))).equals(Buffer.concat([text, text]))).toBe(true);
  });

  test.each([7, 20, 60, -1, -9])('that is cut off at %d is named so', async (length) => {
    expect(await failure(packed.subarray(0, length))).toMatchObject({
      code: 'LAYER_INVALID',
      message: `cannot decompress layer: its ${format} stream is cut off`,
    });
  });

  test('with any byte changed never gives other content', async () => {
    for (let at = 7; at < packed.length; at++) {
      const damaged = Buffer.from(packed);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      // bzip2 has bits that mean nothing: lengths of words that are not used.
      const content = await read(damaged).catch((error: unknown) => error);
      if (content instanceof Buffer) expect(content.equals(text), `byte ${at}`).toBe(true);
      else expect(content, `byte ${at}`).toMatchObject({ code: 'LAYER_INVALID' });
    }
  });

  test('followed by something else is damaged', async () => {
    expect(await failure(Buffer.concat([packed, Buffer.from('more')]))).toMatchObject({ code: 'LAYER_INVALID' });
  });

  test('never fails but with a plain error, whatever the bytes', async () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(bytes, fc.nat(packed.length), async (junk, kept) => {
        const error = await failure(Buffer.concat([packed.subarray(0, Math.max(kept, 12)), junk]));
        expect(error === 'no error' || (error as { code?: string }).code === 'LAYER_INVALID').toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

test('zeros after an xz stream are padding, four at a time', async () => {
  expect((await read(Buffer.concat([XZ, Buffer.alloc(8), XZ, Buffer.alloc(4)]))).length).toBe(2 * text.length);
  expect(await failure(Buffer.concat([XZ, Buffer.alloc(7)]))).toMatchObject({ code: 'LAYER_INVALID' });
});

test('an xz dictionary beyond 128 MiB is refused before it is made', async () => {
  const huge = Buffer.from(
    '/Td6WFoAAATm1rRGAgAhASAAAAAJiKV2AQAEaGVsbG8AAAAAsTe52+XaHpsAAR0FuC2Arx+2830BAAAAAARZWg==',
    'base64',
  );
  expect(await failure(huge)).toMatchObject({
    message: 'cannot decompress layer: its xz stream needs a dictionary of more than 128 MiB',
  });
});

test('a filter for programs is refused by name', async () => {
  const filtered = Buffer.from(
    '/Td6WFoAAATm1rRGAgEEACEBFgANhjUfAQAEaGVsbG8AAAAAsTe52+XaHpsAAR0FuC2Arx+2830BAAAAAARZWg==',
    'base64',
  );
  expect(await failure(filtered)).toMatchObject({ message: expect.stringContaining('uses a filter') as string });
});

for (const program of ['xz', 'bzip2'] as const) {
  const needed = requirement(program, spawnSync(program, ['--version']).status === 0, `${program} is not installed`);
  describe.skipIf(needed.skip)(`what ${program} makes (${needed.reason})`, () => {
    const mixed = Buffer.concat([text, noise(1_000_000), Buffer.alloc(1_500_000), text, noise(100), text]);
    const presets = program === 'xz' ? ['-0', '-6', '-9e', '--check=crc32', '--check=sha256'] : ['-1', '-9'];
    test.each(presets)('with %s is read back', { timeout: 60_000 }, async (option) => {
      expect((await read(pack(program, mixed, option))).equals(mixed)).toBe(true);
    });

    test('of nothing, and of very little, is read back', async () => {
      for (const input of [Buffer.alloc(0), Buffer.from('a'), Buffer.from('aaaa'), Buffer.from('aaaaa')]) {
        expect((await read(pack(program, input))).equals(input)).toBe(true);
      }
    });
  });

  test.skipIf(needed.skip)(`${program} of any bytes is read back (${needed.reason})`, { timeout: 60_000 }, async () => {
    const runs = fc.array(fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 600 })), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(runs, fc.uint8Array({ maxLength: 2000 }), async (given, tail) => {
        const input = Buffer.concat([...given.map(([byte, count]) => Buffer.alloc(count, byte)), tail]);
        expect((await read(pack(program, input))).equals(input)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });
}

const xzNeeded = requirement('xz', spawnSync('xz', ['--version']).status === 0, 'xz is not installed');
test.skipIf(xzNeeded.skip)(`xz of many blocks, odd settings and a small dictionary (${xzNeeded.reason})`, async () => {
  const input = Buffer.concat([text, noise(150_000), text]);
  for (const options of [
    ['--block-size=65536'],
    ['--lzma2=dict=4KiB,lc=0,lp=4,pb=4'],
    ['--lzma2=dict=64KiB,lc=4,lp=0,pb=0'],
    ['--lzma2=dict=96KiB,lc=1,lp=2,pb=1,mode=fast'],
  ]) {
    expect((await read(pack('xz', input, ...options))).equals(input), options.join(' ')).toBe(true);
  }
});
