import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Change } from '../../../../src/layers/change.js';
import type { TarEntry } from '../../../../src/layers/tar-entry.js';
import { readTar } from '../../../../src/layers/tar/read-tar.js';
import { writeTar } from '../../../../src/layers/tar/write-tar.js';
import { bytesOfText, type ByteString } from '../../../../src/support/byte-string.js';
import { collectBytes, inChunks, streamOf } from '../../../support/byte-source.js';

interface File {
  readonly entry: TarEntry;
  readonly content: Uint8Array;
}

const changesOf = (files: readonly File[]): AsyncIterable<Change> =>
  streamOf(files.map(({ entry, content }) => ({ kind: 'upsert' as const, entry, open: () => [content] })));

const write = (files: readonly File[]): Promise<Buffer> => collectBytes(writeTar(changesOf(files)));

async function read(archive: Uint8Array, chunkSize = 1 << 16): Promise<File[]> {
  const files: File[] = [];
  for await (const { entry, body } of readTar(inChunks(archive, chunkSize))) {
    files.push({ entry, content: await collectBytes(body) });
  }
  return files;
}

const byteChars = (min: number, max: number, forbidden: string): fc.Arbitrary<ByteString> =>
  fc
    .array(
      fc.integer({ min: 1, max: 255 }).filter((code) => !forbidden.includes(String.fromCharCode(code))),
      { minLength: min, maxLength: max },
    )
    .map((codes) => String.fromCharCode(...codes) as ByteString);
const component = byteChars(1, 120, '/').filter((name) => name !== '.' && name !== '..' && !name.startsWith('.wh.'));
const pathOf = fc.array(component, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/') as ByteString);
const mtime = fc.record({
  seconds: fc.oneof(fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), fc.constantFrom(0, -1, 8 ** 11 - 1, 8 ** 11)),
  nanoseconds: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999_999 })),
});
const id = fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.constantFrom(2097151, 2097152, 2 ** 32 - 2));
const bytes = fc.uint8Array({ maxLength: 2000 });
const xattrs = fc
  .array(
    fc.tuple(
      byteChars(1, 30, '=').map((name) => `user.${name}` as ByteString),
      bytes,
    ),
    { maxLength: 3 },
  )
  .map((list) => new Map(list));
const common = { path: pathOf, mode: fc.integer({ min: 0, max: 0o7777 }), uid: id, gid: id, mtime, xattrs };
const file = fc.record({ ...common, content: bytes }).map(({ content, ...rest }): File => {
  return { entry: { ...rest, type: 'file', size: content.length }, content };
});
const empty = new Uint8Array(0);
const bare = fc
  .record({ ...common, type: fc.constantFrom('directory' as const, 'fifo' as const) })
  .map((rest): File => ({ entry: { ...rest, size: 0 }, content: empty }));
const symlink = fc
  .record({ ...common, linkTarget: byteChars(1, 300, '') })
  .map((rest): File => ({ entry: { ...rest, type: 'symlink', size: 0 }, content: empty }));
const hardlink = fc
  .record({ ...common, linkTarget: pathOf })
  .map((rest): File => ({ entry: { ...rest, type: 'hardlink', size: 0 }, content: empty }));
const device = fc
  .record({
    ...common,
    type: fc.constantFrom('character-device' as const, 'block-device' as const),
    device: fc.record({ major: fc.integer({ min: 0, max: 4095 }), minor: fc.integer({ min: 0, max: 1048575 }) }),
  })
  .map((rest): File => ({ entry: { ...rest, size: 0 }, content: empty }));
const anyFile = fc.oneof(file, bare, symlink, hardlink, device);

const plain = (files: readonly File[]): unknown =>
  files.map(({ entry, content }) => ({
    ...entry,
    xattrs: [...entry.xattrs].map(([name, value]) => [name, Buffer.from(value).toString('hex')]).sort(),
    content: Buffer.from(content).toString('hex'),
  }));

describe('writeTar() and readTar()', () => {
  test('keep every field of any entry', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyFile, { maxLength: 8 }), fc.integer({ min: 1, max: 3000 }), async (files, size) => {
        expect(plain(await read(await write(files), size))).toEqual(plain(files));
      }),
      { numRuns: 200 },
    );
  });

  test('write the same bytes for the same entries, whatever the order of their attributes', async () => {
    await fc.assert(
      fc.asyncProperty(anyFile, async (one) => {
        const turned = { ...one, entry: { ...one.entry, xattrs: new Map([...one.entry.xattrs].reverse()) } };
        expect((await write([one])).equals(await write([turned]))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

const entry = (fields: Partial<TarEntry> = {}): TarEntry => ({
  path: bytesOfText('a'),
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: { seconds: 0, nanoseconds: 0 },
  xattrs: new Map(),
  ...fields,
});

describe('writeTar()', () => {
  test('writes an empty layer as two blocks of zeros', async () => {
    expect((await write([])).equals(Buffer.alloc(1024))).toBe(true);
  });

  test('writes whiteouts as empty files without owner, mode and time', async () => {
    const changes = streamOf<Change>([
      { kind: 'delete', path: bytesOfText('a/b') },
      { kind: 'opaque', path: bytesOfText('c') },
      { kind: 'delete', path: bytesOfText('d') },
    ]);
    const files = await read(await collectBytes(writeTar(changes)));
    expect(files.map((one) => one.entry)).toEqual(
      ['a/.wh.b', 'c/.wh..wh..opq', '.wh.d'].map((path) => entry({ path: bytesOfText(path), mode: 0 })),
    );
  });

  test.each([
    ['a short name', 'a'.repeat(100), 1],
    ['a long name that ustar can split', `${'d'.repeat(120)}/${'f'.repeat(90)}`, 1],
    ['a long name that ustar cannot split', 'f'.repeat(101), 3],
    ['a name that is not ASCII', 'é', 3],
  ])('needs for %s no more blocks than ustar and PAX do', async (_, path, blocks) => {
    expect((await write([{ entry: entry({ path: bytesOfText(path) }), content: empty }])).length).toBe(
      1024 + 512 * blocks,
    );
  });

  test('ends a directory with a slash, and calls the root ./', async () => {
    const archive = await write([
      { entry: entry({ path: '' as ByteString, type: 'directory' }), content: empty },
      { entry: entry({ path: bytesOfText('d'), type: 'directory' }), content: empty },
    ]);
    expect(archive.toString('latin1', 0, 3)).toBe('./\0');
    expect(archive.toString('latin1', 512, 515)).toBe('d/\0');
  });

  test.each(['.wh.a', 'd/.wh.a', '.wh.d/a'])('refuses a file named %s', async (path) => {
    await expect(write([{ entry: entry({ path: bytesOfText(path) }), content: empty }])).rejects.toMatchObject({
      code: 'LAYER_INVALID',
    });
  });

  test.each<[string, Map<ByteString, Uint8Array>]>([
    ['an attribute whose name has an equals sign', new Map([[bytesOfText('user.a=b'), Buffer.from('c')]])],
    [
      'attributes that no extended header holds',
      new Map(Array.from({ length: 17 }, (_, index) => [bytesOfText(`user.${index}`), Buffer.alloc(65_000)])),
    ],
  ])('refuses %s', async (_, xattrs) => {
    await expect(write([{ entry: entry({ xattrs }), content: empty }])).rejects.toMatchObject({
      code: 'LAYER_INVALID',
    });
  });

  test.each([2, 4])('refuses a file of 3 bytes that turns out to have %d', async (size) => {
    const changed = { entry: entry({ size: 3 }), content: new Uint8Array(size) };
    await expect(write([changed])).rejects.toMatchObject({ code: 'LAYER_INVALID' });
  });

  test('hands out large chunks, which stay as they are', async () => {
    const files = Array.from({ length: 3000 }, (_, index) => ({
      entry: entry({ path: bytesOfText(`f${index}`), size: 600 }),
      content: Buffer.alloc(600, index),
    }));
    const chunks: Uint8Array[] = [];
    for await (const chunk of writeTar(changesOf(files))) chunks.push(chunk);
    expect(Math.min(...chunks.slice(0, -1).map((chunk) => chunk.byteLength))).toBeGreaterThanOrEqual(65536);
    expect(plain(await read(Buffer.concat(chunks)))).toEqual(plain(files));
  });
});
