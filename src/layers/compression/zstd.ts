import { gather } from '../../support/byte-streams.js';
import { loadZstd } from './zstd-frame.js';
import type { ZstdThreads } from './zstd-threads.js';

/** Bytes of content in a frame. Larger ones save a few per mille, and hold the event loop for longer than the 30 ms that this takes. */
const FRAME = 2 << 20;
/** zstd's own default. */
const DEFAULT_LEVEL = 3;

export interface CompressZstdOptions {
  /** 1 to 22; 3 unless given. */
  readonly level?: number | undefined;
  /** Without them the frames are compressed here, one after the other. The bytes are the same. */
  readonly threads?: ZstdThreads | undefined;
}

/**
 * A zstd stream (RFC 8878) of one frame after another, each of so many bytes, which every decoder reads as one. Frames are cut by
 * size alone and compressed by one version of zstd: equal input gives equal bytes, on every machine and Node, and for any number of
 * threads.
 */
export async function* compressZstd(
  source: AsyncIterable<Uint8Array>,
  { level = DEFAULT_LEVEL, threads }: CompressZstdOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const frames = contents(source);
  if (threads !== undefined) {
    yield* compressedBy(threads, frames, level);
    return;
  }
  const compress = await loadZstd();
  for await (const content of frames) yield compress(content, level);
}

async function* compressedBy(
  threads: ZstdThreads,
  frames: AsyncIterable<Uint8Array>,
  level: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const queue: Promise<Uint8Array>[] = [];
  try {
    for await (const content of frames) {
      // A copy, of a size of its own: the thread takes it, and the source's buffer is used again.
      const compressed = threads.compress(new Uint8Array(content), level);
      // Its failure is thrown when its turn comes.
      compressed.catch(() => undefined);
      queue.push(compressed);
      // One more than there are threads, so that none waits for this one.
      const first = queue.length > threads.count ? queue.shift() : undefined;
      if (first !== undefined) yield await first;
    }
    for (const compressed of queue.splice(0)) yield await compressed;
  } finally {
    await Promise.allSettled(queue);
  }
}

/** What goes into each frame; at least one. */
async function* contents(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let empty = true;
  for await (const content of gather(inShortChunks(source), FRAME)) {
    empty = false;
    yield content;
  }
  if (empty) yield Buffer.alloc(0);
}

/** `gather` lets long chunks pass as they are, and every frame but the last must have the one size. */
async function* inShortChunks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    for (let at = 0; at < chunk.byteLength; at += FRAME / 4) yield chunk.subarray(at, at + FRAME / 4);
  }
}
