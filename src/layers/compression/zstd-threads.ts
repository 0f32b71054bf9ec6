import { ThreadPool } from '../../support/thread-pool.js';

export interface FrameQuestion {
  readonly content: Uint8Array<ArrayBuffer>;
  readonly level: number;
}

/** Threads that compress frames, started when they are first needed. */
export interface ZstdThreads extends AsyncDisposable {
  readonly count: number;
  /** Takes `content` over: it is empty afterwards. @throws what the thread failed with */
  compress(content: Uint8Array<ArrayBuffer>, level: number): Promise<Uint8Array>;
}

export function createZstdThreads({ threads }: { readonly threads: number }): ZstdThreads {
  const entry = new URL('./zstd-worker.js', import.meta.url);
  const pool = new ThreadPool<FrameQuestion, Uint8Array>({ entry, threads, what: 'compress a layer' });
  return {
    count: threads,
    compress: async (content, level) => await pool.ask({ content, level }, { transfer: [content.buffer] }),
    [Symbol.asyncDispose]: async () => {
      await pool[Symbol.asyncDispose]();
    },
  };
}
