import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { pour } from '../../../src/cli/output-stream.js';
import { streamOf } from '../../support/byte-source.js';

const signal = new AbortController().signal;

test('pour() ends when a slow reader has taken the last byte, and leaves the stream open', async () => {
  let taken = 0;
  const slow = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      setImmediate(() => {
        taken += chunk.length;
        callback();
      });
    },
  });
  await pour(streamOf([Buffer.alloc(100_000), Buffer.alloc(5)]), slow, { what: 'it', signal });
  expect([taken, slow.writable]).toEqual([100_005, true]);
});

test.each([0, 1])('pour() says that the reader has gone (after %d pieces)', async (pieces) => {
  let written = 0;
  const closed = new Writable({
    write(_chunk, _encoding, callback) {
      callback(written++ < pieces ? null : Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    },
  });
  closed.on('error', () => undefined);
  await expect(pour(streamOf([Buffer.from('a')]), closed, { what: 'it', signal })).rejects.toMatchObject({
    code: 'EPIPE',
  });
});
