import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { LayerContent } from '../../../../src/layers/index/layer-content.js';
import type { IndexedFile } from '../../../../src/layers/index/layer-index.js';
import { readContents } from '../../../../src/layers/compare/read-contents.js';
import { digestOf } from '../../../../src/oci/digest.js';

const BYTES = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));

function content(): LayerContent {
  const diffId = digestOf(BYTES);
  const descriptor = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: diffId, size: 1 } as const;
  return new LayerContent({ layer: { descriptor, diffId }, tarSize: BYTES.length }, undefined);
}

const file = (offset: number, size: number, extents?: IndexedFile['extents']): IndexedFile =>
  ({ parent: '', name: 'x', type: 'file', offset, size, extents, kept: undefined }) as unknown as IndexedFile;

/** Each as what was taken and skipped. */
async function read(files: readonly IndexedFile[], chunk: number): Promise<readonly (Buffer | number)[][]> {
  const taken: (Buffer | number)[][] = files.map(() => []);
  const wanted = files.map((each, index) => ({
    file: each,
    take: (bytes: Uint8Array) => void taken[index]?.push(Buffer.from(bytes)),
    skip: (length: number) => void taken[index]?.push(length),
  }));
  const packed = gzipSync(BYTES);
  const blobs = {
    open: () =>
      Promise.resolve(
        Readable.from(
          Array.from({ length: Math.ceil(packed.length / chunk) }, (_, at) =>
            packed.subarray(at * chunk, (at + 1) * chunk),
          ),
        ),
      ),
  };
  await readContents(content(), wanted, { blobs, signal: new AbortController().signal });
  return taken;
}

const whole = (parts: readonly (Buffer | number)[] | undefined): Buffer =>
  Buffer.concat((parts ?? []).map((part) => (typeof part === 'number' ? Buffer.alloc(part) : part)));

describe('readContents()', () => {
  test.each([7, 100, 4096])('takes files in any order out of a compressed layer, by %i bytes', async (chunk) => {
    const places = [
      [990, 10],
      [0, 5],
      [5, 300],
      [600, 1],
    ] as const;
    const taken = await read(
      places.map(([offset, size]) => file(offset, size)),
      chunk,
    );
    expect(taken.map(whole)).toEqual(places.map(([offset, size]) => BYTES.subarray(offset, offset + size)));
  });

  test('tells of the holes of a sparse file where they are', async () => {
    const extents = [
      { offset: 10, length: 5 },
      { offset: 100, length: 20 },
      { offset: 500, length: 0 },
    ];
    const [taken, hole] = await read([file(200, 500, extents), file(0, 1 << 20, [{ offset: 1 << 20, length: 0 }])], 64);
    const expected = Buffer.alloc(500);
    BYTES.copy(expected, 10, 200, 205);
    BYTES.copy(expected, 100, 205, 225);
    expect(whole(taken)).toEqual(expected);
    expect(taken?.filter((part) => typeof part === 'number')).toEqual([10, 85, 380]);
    expect(hole).toEqual([1 << 20]);
  });
});
