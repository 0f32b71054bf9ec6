import { ThreadPool } from '../../support/thread-pool.js';
import type { ContentDigest, ContentFile } from './digest-content.js';

/** Digests what files hold once they are decompressed, several at once. */
export interface ContentDigester extends AsyncDisposable {
  /** @throws `LAYER_INVALID`, `ABORTED`; a system error (with its `code`) when the file cannot be read */
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
    digest: async ({ path, algorithm, apart, indexed }, options) =>
      await pool.ask({ path, algorithm, apart, indexed }, options),
    [Symbol.asyncDispose]: async () => {
      await pool[Symbol.asyncDispose]();
    },
  };
}
