import { expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.js';
import { createVerifier, verifyBytes } from '../../../src/oci/verify-stream.js';
import { inChunks, streamOf } from '../../support/byte-source.js';

const content = Buffer.from('the right bytes');
const expected = { digest: digestOf(content), size: content.length };

async function readAll(source: AsyncIterable<Uint8Array>): Promise<{ received: number; error: unknown }> {
  let received = 0;
  try {
    for await (const chunk of source) received += chunk.byteLength;
    return { received, error: undefined };
  } catch (error) {
    return { received, error };
  }
}

test('verifyBytes() passes the right bytes, in whatever chunks', async () => {
  for (const size of [1, 4, 100]) {
    expect(await readAll(verifyBytes(inChunks(content, size), expected))).toEqual({ received: 15, error: undefined });
  }
  expect(await readAll(verifyBytes(streamOf([]), { digest: digestOf(''), size: 0 }))).toEqual({
    received: 0,
    error: undefined,
  });
});

test.each([
  ['others', Buffer.from('the wrong bytes'), 'different'],
  ['too few', content.subarray(0, 14), 'short'],
  ['none', Buffer.alloc(0), 'short'],
])('verifyBytes() never gives the whole of wrong bytes: %s', async (_, bytes, state) => {
  const { received, error } = await readAll(verifyBytes(inChunks(bytes, 4), expected));
  expect(error).toMatchObject({ code: 'DIGEST_MISMATCH', details: { state } });
  expect(received).toBeLessThan(content.length);
});

test('verifyBytes() refuses what follows, without reading on', async () => {
  let asked = 0;
  function* source(): Generator<Uint8Array> {
    for (;;) {
      asked += 1;
      yield content;
    }
  }
  const { error } = await readAll(verifyBytes(streamOf(source()), expected));
  expect(error).toMatchObject({ code: 'DIGEST_MISMATCH', details: { state: 'long' } });
  expect(asked).toBe(2);
});

test('verifyBytes() checks the digest of nothing', async () => {
  const { error } = await readAll(verifyBytes(streamOf([]), { digest: expected.digest, size: 0 }));
  expect(error).toMatchObject({ code: 'DIGEST_MISMATCH', details: { state: 'different' } });
});

test('createVerifier() checks only what is expected', () => {
  const verifier = createVerifier({});
  verifier.update(content);
  expect(verifier.finish()).toEqual(expected);
});
