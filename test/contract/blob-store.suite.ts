import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf, parseDigest, type Digest } from '../../src/oci/digest.js';
import type { BlobInfo, BlobStore } from '../../src/store/blob-store.js';

export interface BlobStoreFixture {
  readonly store: BlobStore;
  /** Changes the stored bytes behind the store's back; absent where that is not possible. */
  readonly damage?: (blob: BlobInfo, how: 'flip' | 'truncate' | 'empty') => void;
  readonly dispose: () => Promise<void> | void;
}

async function* chunks(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    await Promise.resolve();
    yield Buffer.from(part);
  }
}

async function* failing(text: string, error: Error): AsyncGenerator<Uint8Array> {
  yield* chunks(text);
  throw error;
}

async function digests(store: BlobStore): Promise<readonly Digest[]> {
  const found: Digest[] = [];
  for await (const { digest } of store.list()) found.push(digest);
  return found;
}

/** What every `BlobStore` does. */
export function blobStoreSuite(name: string, create: () => Promise<BlobStoreFixture>): void {
  describe(name, () => {
    let fixture: BlobStoreFixture;
    let store: BlobStore;
    beforeEach(async () => {
      fixture = await create();
      store = fixture.store;
    });
    afterEach(async () => {
      await fixture.dispose();
    });

    const content = 'Hello, blobs';
    const digest = digestOf(content);
    const size = content.length;

    test('gives back what it was given, under its digest', async () => {
      expect(await store.ingest(chunks('Hello,', ' blobs'))).toEqual({ digest, size });
      expect(await store.has(digest)).toBe(true);
      expect(await store.size(digest)).toBe(size);
      expect((await store.read({ digest, size })).toString()).toBe(content);
      expect((await buffer(await store.open({ digest, size }))).toString()).toBe(content);
    });

    test('stores the empty blob', async () => {
      const empty = await store.ingest(chunks());
      expect(empty).toEqual({ digest: digestOf(''), size: 0 });
      expect(await buffer(await store.open(empty))).toHaveLength(0);
      expect(await store.read(empty)).toHaveLength(0);
    });

    test('stores chunks of every size, and none twice when a source reuses its buffer', async () => {
      const all = Buffer.alloc(5 * 1024 * 1024 + 7, 0).map((_, index) => (index * 31 + (index >> 12)) & 0xff);
      const reused = Buffer.alloc(3 * 1024 * 1024);
      async function* source(): AsyncGenerator<Uint8Array> {
        let at = 0;
        for (const length of [1, 600_000, 2_000_000, 10, 524_288, 0, Infinity]) {
          await Promise.resolve();
          const chunk = reused.subarray(0, Math.min(length, all.length - at));
          chunk.set(all.subarray(at, at + chunk.length));
          at += chunk.length;
          yield chunk;
          reused.fill(0xee);
        }
      }
      const info = await store.ingest(source());
      expect(info).toEqual({ digest: digestOf(all), size: all.length });
      expect((await buffer(await store.open(info))).equals(all)).toBe(true);
    });

    test('is content to be given the same bytes twice', async () => {
      const first = await store.ingest(chunks(content));
      expect(await store.ingest(chunks(content))).toEqual(first);
      expect(await store.ingest(chunks(content), { expect: { digest, size } })).toEqual(first);
      expect(await digests(store)).toEqual([digest]);
    });

    test('closes a source that it need not read', async () => {
      await store.ingest(chunks(content));
      const source = Readable.from([Buffer.from(content)]);
      await store.ingest(source, { expect: { digest } });
      expect(source.destroyed).toBe(true);
    });

    test('takes the same bytes from several at once', async () => {
      const infos = await Promise.all(Array.from({ length: 8 }, () => store.ingest(chunks('Hello', ',', ' blobs'))));
      expect(new Set(infos.map((info) => info.digest))).toEqual(new Set([digest]));
      expect(await digests(store)).toEqual([digest]);
    });

    test('refuses other bytes than expected, and keeps none of them', async () => {
      const other = digestOf('something else');
      await expect(store.ingest(chunks(content), { expect: { digest: other } })).rejects.toMatchObject({
        code: 'DIGEST_MISMATCH',
        details: { state: 'different', expected: other, found: digest },
      });
      expect(await digests(store)).toEqual([]);
    });

    test('refuses too many bytes as soon as there are too many', async () => {
      let asked = 0;
      async function* endless(): AsyncGenerator<Uint8Array> {
        for (;;) {
          asked += 1;
          await Promise.resolve();
          yield Buffer.alloc(1024 * 1024);
        }
      }
      await expect(store.ingest(endless(), { expect: { size: 3_000_000 } })).rejects.toMatchObject({
        code: 'DIGEST_MISMATCH',
        details: { state: 'long' },
      });
      expect(asked).toBeLessThan(6);
      expect(await digests(store)).toEqual([]);
    });

    test('refuses too few bytes', async () => {
      await expect(store.ingest(chunks('Hello'), { expect: { digest, size } })).rejects.toMatchObject({
        code: 'DIGEST_MISMATCH',
        details: { state: 'short', found: 5 },
      });
      expect(await digests(store)).toEqual([]);
    });

    test('passes on the error of a source, and keeps nothing', async () => {
      const error = new Error('connection lost');
      await expect(store.ingest(failing('Hello', error))).rejects.toBe(error);
      expect(await digests(store)).toEqual([]);
    });

    test('stops when cancelled, even while the source hangs', async () => {
      const cancel = new AbortController();
      async function* hanging(): AsyncGenerator<Uint8Array> {
        yield* chunks('Hello');
        cancel.abort();
        await new Promise(() => undefined);
      }
      await expect(store.ingest(hanging(), { signal: cancel.signal })).rejects.toMatchObject({ code: 'ABORTED' });
      await expect(store.ingest(chunks(content), { signal: cancel.signal })).rejects.toMatchObject({ code: 'ABORTED' });
      expect(await digests(store)).toEqual([]);
    });

    test('knows sha512', async () => {
      const sha512 = parseDigest(
        'sha512:3a7e7c4f2f6b2b9fe7a2c1c4b2bb0bb5e7ab7d3f6c0cf7a6d0ef3c9f0b9cd2c8a1f8d8a7c7c2e3f1f0b1a2d3c4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f607',
      );
      await expect(store.ingest(chunks(content), { expect: { digest: sha512 } })).rejects.toMatchObject({
        code: 'DIGEST_MISMATCH',
      });
      const right = parseDigest(
        `sha512:${(await import('node:crypto')).createHash('sha512').update(content).digest('hex')}`,
      );
      expect(await store.ingest(chunks(content), { expect: { digest: right } })).toEqual({ digest: right, size });
      expect((await store.read({ digest: right, size })).toString()).toBe(content);
    });

    test('says so when a blob is not there', async () => {
      const missing = { digest, size };
      expect(await store.has(digest)).toBe(false);
      expect(await store.size(digest)).toBeUndefined();
      await expect(store.open(missing)).rejects.toMatchObject({ code: 'STORE_IO', details: { state: 'missing' } });
      await expect(store.read(missing)).rejects.toMatchObject({ code: 'STORE_IO', details: { state: 'missing' } });
      await expect(store.delete(digest)).resolves.toBeUndefined();
    });

    test('refuses to read under a wrong size, and keeps the blob', async () => {
      const info = await store.ingest(chunks(content));
      for (const wrong of [size - 1, size + 1]) {
        await expect(store.read({ digest, size: wrong })).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
        await expect(store.open({ digest, size: wrong }).then(buffer)).rejects.toMatchObject({
          code: 'DIGEST_MISMATCH',
        });
      }
      expect((await store.read(info)).toString()).toBe(content);
    });

    test('forgets what is deleted', async () => {
      await store.ingest(chunks(content));
      await store.delete(digest);
      expect(await store.has(digest)).toBe(false);
      expect(await digests(store)).toEqual([]);
    });

    test('lets a reader stop early', async () => {
      const info = await store.ingest(chunks(Buffer.alloc(3 << 20)));
      const stream = await store.open(info);
      for await (const chunk of stream) {
        expect((chunk as Buffer).length).toBeGreaterThan(0);
        break;
      }
      expect(stream.destroyed).toBe(true);
      await store.delete(info.digest);
    });

    test('goes on with a blob where it broke off', async () => {
      const blob = { digest, size };
      const asked: number[] = [];
      const from = (source: (offset: number) => AsyncIterable<Uint8Array>) => (offset: number) => {
        asked.push(offset);
        return source(offset);
      };
      const broken = store.resume(
        blob,
        from(() => failing(content.slice(0, 5), new Error('the line went dead'))),
      );
      await expect(broken).rejects.toThrow('the line went dead');
      expect(await store.has(digest)).toBe(false);
      expect(await digests(store)).toEqual([]);
      expect(
        await store.resume(
          blob,
          from((offset) => chunks(content.slice(offset))),
        ),
      ).toEqual(blob);
      expect((await store.read(blob)).toString()).toBe(content);
      expect(
        await store.resume(
          blob,
          from(() => failing('', new Error('asked again'))),
        ),
      ).toEqual(blob);
      expect(asked).toEqual([0, 5]);
    });

    test('keeps what had come when it is cancelled', async () => {
      const cancel = new AbortController();
      async function* slow(): AsyncGenerator<Uint8Array> {
        yield* chunks(content.slice(0, 7));
        cancel.abort();
        await new Promise(() => undefined);
      }
      const cancelled = store.resume({ digest, size }, slow, { signal: cancel.signal });
      await expect(cancelled).rejects.toMatchObject({ code: 'ABORTED' });
      const asked: number[] = [];
      await store.resume({ digest, size }, (offset) => {
        asked.push(offset);
        return chunks(content.slice(offset));
      });
      expect(asked).toEqual([7]);
    });

    test('has other bytes again, once, when what was kept of a blob is not of it', async () => {
      const broken = store.resume({ digest, size }, () => failing('Jello', new Error('dead')));
      await expect(broken).rejects.toThrow('dead');
      const asked: number[] = [];
      const good = (offset: number): AsyncIterable<Uint8Array> => {
        asked.push(offset);
        return chunks(content.slice(offset));
      };
      expect(await store.resume({ digest, size }, good)).toEqual({ digest, size });
      expect(asked).toEqual([5, 0]);
      expect((await store.read({ digest, size })).toString()).toBe(content);
    });

    test.each(['Jello, blobs', 'Hello, blobs and more'])(
      'keeps nothing of %j, which is not the blob',
      async (bytes) => {
        const asked: number[] = [];
        const wrong = (offset: number): AsyncIterable<Uint8Array> => {
          asked.push(offset);
          return chunks(bytes.slice(offset));
        };
        for (let time = 0; time < 2; time += 1) {
          await expect(store.resume({ digest, size }, wrong)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
        }
        expect(asked).toEqual([0, 0]);
        expect(await store.has(digest)).toBe(false);
      },
    );

    test('fetches a blob once for all who want it', async () => {
      let opened = 0;
      const open = (offset: number): AsyncIterable<Uint8Array> => {
        opened += 1;
        return chunks(content.slice(offset, 6), content.slice(Math.max(offset, 6)));
      };
      const all = await Promise.all([1, 2, 3].map(() => store.resume({ digest, size }, open)));
      expect(all).toEqual([1, 2, 3].map(() => ({ digest, size })));
      expect(opened).toBe(1);
    });

    test.for(['flip', 'truncate', 'empty'] as const)(
      'finds damage (%s) before the end, and heals by ingesting',
      async (how, { skip }) => {
        const { damage } = fixture;
        if (damage === undefined) return skip('this store offers no way to damage its blobs');
        const bytes = Buffer.alloc((3 << 20) + 5, 'x');
        for (const read of ['open', 'read'] as const) {
          const info = await store.ingest(chunks(bytes));
          damage(info, how);
          let received = 0;
          const attempt =
            read === 'read'
              ? store.read(info)
              : (async () => {
                  for await (const chunk of await store.open(info)) received += (chunk as Buffer).length;
                })();
          await expect(attempt).rejects.toMatchObject({ code: 'DIGEST_MISMATCH', details: { state: 'damaged' } });
          expect(received).toBeLessThan(bytes.length);
          expect(await store.has(info.digest)).toBe(false);
          await store.ingest(chunks(bytes), { expect: info });
          expect((await store.read(info)).equals(bytes)).toBe(true);
        }
      },
    );
  });
}
