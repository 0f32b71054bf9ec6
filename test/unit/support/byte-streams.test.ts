import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { abortable, collect, discard, gather } from '../../../src/support/byte-streams.js';
import { collectBytes, inChunks, streamOf } from '../../support/byte-source.js';

describe('collect()', () => {
  test('gives all bytes, also of a source that reuses its memory', async () => {
    expect((await collect(inChunks(Buffer.from('abcdefg'), 3), 7)).toString()).toBe('abcdefg');
  });

  test('fails as soon as there are too many bytes', async () => {
    let asked = 0;
    function* endless(): Generator<Uint8Array> {
      for (;;) {
        asked += 1;
        yield Buffer.from('ab');
      }
    }
    await expect(collect(streamOf(endless()), 4)).rejects.toThrow(RangeError);
    expect(asked).toBe(3);
    await expect(collect(streamOf(endless()), 4, () => new Error('own words'))).rejects.toThrow('own words');
  });
});

describe('gather()', () => {
  test('keeps all bytes, with no two short chunks in a row but for the last, and passes long ones as they are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 })),
        fc.integer({ min: 1, max: 16 }),
        async (parts, size) => {
          const lengths: number[] = [];
          const bytes: Buffer[] = [];
          for await (const chunk of gather(streamOf(parts), size)) {
            lengths.push(chunk.byteLength);
            bytes.push(Buffer.from(chunk));
          }
          expect(Buffer.concat(bytes).equals(Buffer.concat(parts))).toBe(true);
          const isLong = (length: number): boolean => length * 2 >= size;
          const pairs = lengths.slice(1, -1).map((length, at) => [lengths[at] ?? 0, length]);
          for (const pair of pairs) expect(pair.some(isLong)).toBe(true);
          for (const { length } of parts) if (isLong(length)) expect(lengths).toContain(length);
          expect(Math.max(0, ...lengths)).toBeLessThanOrEqual(Math.max(size, ...parts.map(({ length }) => length)));
        },
      ),
    );
  });
});

describe('abortable()', () => {
  test('passes everything on when nothing is cancelled', async () => {
    const { signal } = new AbortController();
    expect((await collectBytes(abortable(inChunks(Buffer.from('abc'), 1), 'read', signal))).toString()).toBe('abc');
    expect((await collectBytes(abortable(inChunks(Buffer.from('abc'), 1), 'read', undefined))).toString()).toBe('abc');
  });

  test('ends a source that hangs, and destroys it when it is a stream', async () => {
    const cancel = new AbortController();
    const source = new Readable({ read: () => undefined });
    const reading = collectBytes(abortable(source, 'read a thing', cancel.signal));
    const refused = expect(reading).rejects.toMatchObject({
      code: 'ABORTED',
      message: 'cannot read a thing: it was cancelled',
    });
    setImmediate(() => {
      cancel.abort();
    });
    await refused;
    expect(source.destroyed).toBe(true);
  });

  test('closes its source when the reader stops, and passes errors on', async () => {
    const { signal } = new AbortController();
    let closed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield* inChunks(Buffer.from('abc'), 1);
        throw new Error('lost');
      } finally {
        closed = true;
      }
    }
    for await (const chunk of abortable(source(), 'read', signal)) {
      expect(chunk.byteLength).toBe(1);
      break;
    }
    expect(closed).toBe(true);
    await expect(collectBytes(abortable(source(), 'read', signal))).rejects.toThrow('lost');
  });
});

test('discard() gives up a stream, and a generator', async () => {
  const stream = Readable.from([Buffer.from('a')]);
  await discard(stream);
  expect(stream.destroyed).toBe(true);
  const generator = streamOf([Buffer.from('a')]);
  await discard(generator);
  expect((await generator.next()).done).toBe(true);
});

test('abortable() keeps no chunk that has passed, however long the stream', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const passed: WeakRef<Uint8Array>[] = [];
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let count = 0; count < 50; count += 1) {
      await Promise.resolve();
      yield Buffer.alloc(1 << 16);
    }
  }
  for await (const chunk of abortable(source(), 'read', new AbortController().signal)) {
    passed.push(new WeakRef(chunk));
    if (passed.length < 50) continue;
    await new Promise((resolve) => setTimeout(resolve, 10));
    collectGarbage();
    expect(passed.filter((each) => each.deref() !== undefined).length).toBeLessThan(5);
  }
});
