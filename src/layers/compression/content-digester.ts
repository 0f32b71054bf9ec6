import { ThreadPool } from '../../support/thread-pool.js';
import type { ContentDigest, ContentFile } from './digest-content.js';

/** Bytes. It takes seconds, often when all other layers are done: inflating and digesting it then go on side by side. */
export const WORTH_TWO_THREADS: number = 256 << 20;

/** Digests what files hold once they are decompressed, several at once. */
export interface ContentDigester extends AsyncDisposable {
  /** @throws `LAYER_INVALID`, `ABORTED`; a system error (with its `code`) when a file cannot be read or written */
  digest(file: ContentFile, options?: { readonly signal?: AbortSignal | undefined }): Promise<ContentDigest>;
}

/**
 * Threads that inflate and digest, started when they are first needed: as many as there are files under way, up to `threads`.
 * Disposing of it ends them, whatever they are at.
 */
export function createContentDigester({ threads }: { readonly threads: number }): ContentDigester {
  const entry = new URL('./content-digest-worker.js', import.meta.url);
  const pool = new ThreadPool<ContentFile, ContentDigest>({ entry, threads, what: 'check a layer' });
  return {
    digest: async ({ path, algorithm, apart, indexed, copy, counter }, options) =>
      await pool.ask({ path, algorithm, apart, indexed, copy, counter }, options),
    [Symbol.asyncDispose]: async () => {
      await pool[Symbol.asyncDispose]();
    },
  };
}
