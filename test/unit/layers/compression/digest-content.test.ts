import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BlockingGunzip } from '../../../../src/layers/compression/blocking-gunzip.js';
import { decompress } from '../../../../src/layers/compression/decompress.js';
import { digestContent } from '../../../../src/layers/compression/digest-content.js';
import { readLayerIndex } from '../../../../src/layers/index/read-layer-index.js';
import { digestOf } from '../../../../src/oci/digest.js';
import { collectBytes, inChunks } from '../../../support/byte-source.js';
import { compress, layerTar, zstdFrame } from '../../../support/sample-images.js';

const text = Buffer.from('layers are tar archives, compressed or not\n'.repeat(20_000));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'digest-content-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function digest(bytes: Uint8Array): Promise<unknown> {
  const path = join(folder, 'file');
  writeFileSync(path, bytes);
  return await digestContent({ path, algorithm: 'sha256' });
}

test('inflates on its own thread by what zlib is made of in this Node', () => {
  using gunzip = BlockingGunzip.open();
  expect(gunzip).toBeDefined();
});

const outcome = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    return await work;
  } catch (error) {
    return error;
  }
};

const damaged = gzipSync(text);
damaged.fill(0xff, 40, 60);

describe('digestContent() says of a file what decompress() makes of its bytes:', () => {
  test.each<[string, Uint8Array]>([
    ['nothing', Buffer.alloc(0)],
    ['one byte of a gzip header', Buffer.of(0x1f)],
    ['plain bytes', text],
    ['gzip', gzipSync(text)],
    ['gzip of nothing', gzipSync('')],
    ['gzip of several members', Buffer.concat([gzipSync(text), gzipSync('and more'), gzipSync('')])],
    ['members that end where a read ends', Buffer.concat([gzipSync(noise(65_536 - 41)), gzipSync(text)])],
    ['gzip with padding', Buffer.concat([gzipSync(text), Buffer.alloc(300_000)])],
    ['gzip cut in its header', gzipSync(text).subarray(0, 5)],
    ['gzip cut in its data', gzipSync(text).subarray(0, 500)],
    ['gzip cut in its trailer', gzipSync(text).subarray(0, -3)],
    ['damaged gzip', damaged],
    ['zstd', zstdFrame(text)],
    ['zstd that is cut off', zstdFrame(text).subarray(0, 1000)],
  ])('%s', async (_, bytes) => {
    const expected = await outcome(collectBytes(decompress(inChunks(bytes))));
    const found = await outcome(digest(bytes));
    if (expected instanceof Buffer) expect(found).toEqual({ digest: digestOf(expected), size: expected.length });
    else expect(found).toMatchObject({ code: 'LAYER_INVALID', message: (expected as Error).message });
  });

  test('a bomb', async () => {
    const member = gzipSync(Buffer.alloc(1 << 26), { level: 9 });
    const bomb = Buffer.concat(Array.from({ length: 24 }, () => member));
    expect(await outcome(digest(bomb))).toMatchObject({
      code: 'LAYER_INVALID',
      message: expect.stringContaining('decompression bomb') as string,
    });
  });

  test('a file that is not there', async () => {
    await expect(digestContent({ path: join(folder, 'none'), algorithm: 'sha256' })).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});

/** What does not compress: a gzip member of it is 23 bytes longer for each 64 KiB or part of them. */
function noise(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = 1;
  for (let at = 0; at < size; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

const xzInstalled = spawnSync('xz', ['--version']).status === 0;
const xz = (input: Buffer, ...options: string[]): Buffer =>
  spawnSync('xz', ['-c', '-q', ...options], { input, maxBuffer: 1 << 28 }).stdout;
const read = (bytes: Uint8Array, size?: number): Promise<Buffer> => collectBytes(decompress(inChunks(bytes, size)));

describe.skipIf(!xzInstalled)('decompress() of xz (needs the xz program)', () => {
  test.each([
    ['one stream', () => xz(text), 1],
    ['several blocks', () => xz(text, '--block-size=100000', '-0'), 1],
    ['two streams', () => xz(text), 2],
    ['CRC32', () => xz(text, '--check=crc32'), 1],
    ['the largest preset', () => xz(text, '-9e'), 1],
  ])('reads %s', async (_, compress, count) => {
    const bytes = Buffer.concat(Array.from({ length: count }, compress));
    const expected = Buffer.concat(Array.from({ length: count }, () => text));
    for (const size of [7, 1 << 16]) expect((await read(bytes, size)).equals(expected)).toBe(true);
  });

  test('refuses what is cut off, damaged, or needs a gigabyte of memory', async () => {
    const bytes = xz(noise(200_000));
    const changed = Buffer.from(bytes);
    changed[1000] = changed.readUInt8(1000) ^ 1;
    for (const bad of [bytes.subarray(0, -30), bytes.subarray(0, 9), changed, xz(text, '--lzma2=dict=1GiB')]) {
      await expect(read(bad)).rejects.toMatchObject({ code: 'LAYER_INVALID' });
    }
  });

  test('passes on the error of its source', async () => {
    async function* source(): AsyncGenerator<Uint8Array> {
      yield xz(noise(200_000)).subarray(0, 50_000);
      throw new RangeError('gone');
    }
    await expect(collectBytes(decompress(source()))).rejects.toThrow(RangeError);
  });

  test('gives up its source when the reader stops', async () => {
    let closed = false;
    const compressed = xz(noise(3_000_000));
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield* inChunks(compressed, 10_000);
      } finally {
        closed = true;
      }
    }
    for await (const chunk of decompress(source())) if (chunk.byteLength > 0) break;
    expect(closed).toBe(true);
  });
});

test.each(['gzip', 'zstd', 'none'] as const)(
  'makes the index of a layer on the way, out of %s',
  async (compression) => {
    const tar = await layerTar({ a: 'content', b: '' });
    const path = join(folder, 'layer');
    writeFileSync(path, compress(tar, compression));
    const { digest: found, index } = await digestContent({ path, algorithm: 'sha256', indexed: true });
    expect(found).toBe(digestOf(tar));
    expect(readLayerIndex(Buffer.from(index ?? []))).toMatchObject({ diffId: found, count: 2, tarSize: tar.length });
    expect((await digestContent({ path, algorithm: 'sha256' })).index).toBeUndefined();
  },
);
