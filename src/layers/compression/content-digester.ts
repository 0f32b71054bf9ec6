import { decodeError, type ErrorRecord } from '../../support/errors.js';
import { ThreadPool } from '../../support/thread-pool.js';
import type { ContentDigest, ContentFile } from './digest-content.js';

export type DigestQuestion = ContentFile;
export type DigestAnswer =
  | ({ readonly kind: 'digest' } & ContentDigest)
  | { readonly kind: 'refused'; readonly error: ErrorRecord }
  | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string };

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
  return new DigestingThreads(threads);
}

class DigestingThreads implements ContentDigester {
  readonly #threads: ThreadPool<DigestQuestion, DigestAnswer>;

  constructor(threads: number) {
    const entry = new URL('./content-digest-worker.js', import.meta.url);
    this.#threads = new ThreadPool({ entry, threads, what: 'check a layer' });
  }

  async digest(
    { path, algorithm }: ContentFile,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<ContentDigest> {
    return resultOf(await this.#threads.ask({ path, algorithm }, options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#threads[Symbol.asyncDispose]();
  }
}

function resultOf(answer: DigestAnswer): ContentDigest {
  switch (answer.kind) {
    case 'digest':
      return { digest: answer.digest, size: answer.size };
    case 'refused':
      throw decodeError(answer.error);
    case 'failed':
      throw Object.assign(new Error(answer.message), { code: answer.code });
  }
}
