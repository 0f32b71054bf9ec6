import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createDigester, digestOf } from '../../src/oci/digest.js';
import type * as FileDigestModule from '../../src/store/blobs/file-digest.js';
import type * as OpenStoreModule from '../../src/store/open-store.js';

const DIST = new URL('../../dist/store/', import.meta.url);
if (!existsSync(DIST)) throw new Error('threads run what is built: run npm run build first');
const { openStore } = (await import(new URL('open-store.js', DIST).href)) as typeof OpenStoreModule;
const { FileDigest } = (await import(new URL('blobs/file-digest.js', DIST).href)) as typeof FileDigestModule;

const folder = mkdtempSync(join(tmpdir(), 'blob-digest-threads-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const MEGABYTE = Buffer.from(Array.from({ length: 150_000 }, (_, at) => (at * at) >> 5).join(' ')).subarray(0, 1 << 20);

describe('a thread digests a file', () => {
  const path = join(folder, 'file');
  beforeEach(() => {
    writeFileSync(path, MEGABYTE);
  });
  const options = { algorithm: 'sha256', signal: undefined } as const;

  test.each(['sha256', 'sha512'] as const)('that grows meanwhile, slower than it reads, by %s', async (algorithm) => {
    await using digest = new FileDigest(path, { algorithm, signal: undefined });
    digest.grew(MEGABYTE.length);
    const expected = createDigester(algorithm);
    expected.update(MEGABYTE);
    for (let at = 0; at < 20; at += 1) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      appendFileSync(path, `piece ${at}`);
      expected.update(Buffer.from(`piece ${at}`));
      digest.grew(`piece ${at}`.length);
    }
    expect(await digest.finish()).toBe(expected.finish().digest);
  });

  test('itself: it is not read here as well', async () => {
    await using digest = new FileDigest(path, options);
    const isOpen = (fd: string): boolean => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === path;
      } catch {
        return false;
      }
    };
    await vi.waitFor(() => {
      expect(readdirSync('/proc/self/fd').some(isOpen)).toBe(true);
    }, 5000);
    digest.grew(MEGABYTE.length);
    unlinkSync(path);
    expect(await digest.finish()).toBe(digestOf(MEGABYTE));
  });

  test('and when it fails midway, the file is read again', async () => {
    await using digest = new FileDigest(path, options);
    // It is told of more than there is: it ends with an error.
    digest.grew(2 * MEGABYTE.length);
    await new Promise((resolve) => setTimeout(resolve, 300));
    appendFileSync(path, MEGABYTE);
    expect(await digest.finish()).toBe(digestOf(Buffer.concat([MEGABYTE, MEGABYTE])));
  });

  test('and is ended, whatever it waits for', async () => {
    const digest = new FileDigest(path, options);
    digest.grew(5);
    await digest[Symbol.asyncDispose]();
    const stop = new AbortController();
    await using other = new FileDigest(path, { ...options, signal: stop.signal });
    truncateSync(path, 2 ** 38);
    other.grew(2 ** 38);
    setTimeout(() => {
      stop.abort();
    }, 100);
    await expect(other.finish()).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('of a large blob that a thread digests, a store', () => {
  const SIZE = 36 << 20;
  const whole = Buffer.concat(Array<Buffer>(36).fill(MEGABYTE));
  const digest = digestOf(whole);
  const info = { digest, size: SIZE };

  let root: string;
  let store: OpenStoreModule.OpenStore;
  beforeEach(async () => {
    root = mkdtempSync(join(folder, 'store-'));
    store = await openStore(root);
  });
  afterEach(() => {
    store[Symbol.dispose]();
    rmSync(root, { recursive: true });
  });

  async function* pieces(from = 0, to: number = SIZE): AsyncGenerator<Uint8Array> {
    for (let at = from; at < to; at += 300_000) {
      await Promise.resolve();
      yield whole.subarray(at, Math.min(at + 300_000, to));
    }
  }
  async function* then(first: AsyncIterable<Uint8Array>, last: Uint8Array | Error): AsyncGenerator<Uint8Array> {
    yield* first;
    if (last instanceof Error) throw last;
    yield last;
  }
  const unfinished = (): readonly string[] =>
    readdirSync(join(root, 'tmp'), { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('unfinished'));

  test('has the bytes under their digest, given or not', async () => {
    expect(await store.blobs.ingest(pieces(), { expect: { size: SIZE } })).toEqual(info);
    await store.blobs.delete(digest);
    // More at once than there are threads for.
    const all = Array.from({ length: 6 }, async () => await store.blobs.ingest(pieces(), { expect: info }));
    expect(await Promise.all(all)).toEqual(all.map(() => info));
    const read = createDigester();
    for await (const chunk of await store.blobs.open(info)) read.update(chunk as Uint8Array);
    expect(read.finish()).toEqual(info);
  });

  test.each<[string, () => AsyncIterable<Uint8Array>, object]>([
    [
      'other',
      () => then(pieces(0, SIZE - 1), Buffer.from('x')),
      { code: 'DIGEST_MISMATCH', details: { state: 'different' } },
    ],
    ['too few', () => pieces(0, SIZE - 1), { code: 'DIGEST_MISMATCH', details: { state: 'short' } }],
    ['too many', () => then(pieces(), Buffer.from('x')), { code: 'DIGEST_MISMATCH', details: { state: 'long' } }],
    ['failing', () => then(pieces(0, SIZE / 2), new RangeError('gone')), { name: 'RangeError' }],
  ])('keeps nothing of %s bytes', async (_, source, error) => {
    await expect(store.blobs.ingest(source(), { expect: info })).rejects.toMatchObject(error);
    expect(await store.blobs.has(digest)).toBe(false);
    expect(unfinished()).toEqual([]);
  });

  test('keeps nothing when it is cancelled in the middle', async () => {
    const stop = new AbortController();
    async function* hanging(): AsyncGenerator<Uint8Array> {
      yield* pieces(0, SIZE / 2);
      stop.abort();
      await new Promise(() => undefined);
    }
    const ingesting = store.blobs.ingest(hanging(), { expect: info, signal: stop.signal });
    await expect(ingesting).rejects.toMatchObject({ code: 'ABORTED' });
    expect(unfinished()).toEqual([]);
  });

  test('goes on with what has come before', async () => {
    const broken = store.blobs.resume(info, () => then(pieces(0, SIZE / 2), new RangeError('gone')));
    await expect(broken).rejects.toThrow(RangeError);
    const offsets: number[] = [];
    const rest = (offset: number): AsyncIterable<Uint8Array> => {
      offsets.push(offset);
      return pieces(offset);
    };
    expect(await store.blobs.resume(info, rest)).toEqual(info);
    expect(offsets).toEqual([SIZE / 2]);
  });
});
