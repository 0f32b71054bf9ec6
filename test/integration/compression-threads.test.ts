import { existsSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { compressZstd } from '../../src/layers/compression/zstd.js';
import type * as ZstdThreadsModule from '../../src/layers/compression/zstd-threads.js';

const DIST = new URL('../../dist/layers/compression/zstd-threads.js', import.meta.url);
if (!existsSync(DIST)) throw new Error('threads run what is built: run npm run build first');
const { createZstdThreads } = (await import(DIST.href)) as typeof ZstdThreadsModule;

test('threads compress to the bytes that one process does', async () => {
  const content = Buffer.from(Array.from({ length: 700_000 }, (_, at) => (at * at) >> 5).join(' '));
  const alone = await buffer(compressZstd(Readable.from([content])));
  for (const count of [1, 3]) {
    await using threads = createZstdThreads({ threads: count });
    expect((await buffer(compressZstd(Readable.from([content]), { threads }))).equals(alone)).toBe(true);
  }
});
