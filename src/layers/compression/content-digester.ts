import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { throwIfAborted } from '../../support/byte-streams.js';
import { decodeError, type ErrorRecord } from '../../support/errors.js';
import { createLimiter, type Limiter } from '../../support/limiter.js';
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
  readonly #limiter: Limiter;
  readonly #all: Worker[] = [];
  readonly #idle: Worker[] = [];

  constructor(threads: number) {
    this.#limiter = createLimiter(threads);
  }

  async digest(
    file: ContentFile,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<ContentDigest> {
    return await this.#limiter.run(async () => await this.#ask(file, signal), { signal });
  }

  async #ask(file: ContentFile, signal: AbortSignal | undefined): Promise<ContentDigest> {
    const worker = this.#idle.pop() ?? this.#start();
    const question: DigestQuestion = { path: file.path, algorithm: file.algorithm };
    worker.ref();
    worker.postMessage(question);
    try {
      // The thread's own failure (`error`) rejects as well.
      const [answer] = (await once(worker, 'message', signal === undefined ? {} : { signal })) as [DigestAnswer];
      this.#idle.push(worker);
      worker.unref();
      return resultOf(answer);
    } catch (error) {
      if (signal?.aborted === true) await worker.terminate();
      throwIfAborted('check a layer', signal);
      throw error;
    }
  }

  #start(): Worker {
    const worker = new Worker(new URL('./content-digest-worker.js', import.meta.url), {
      // Nothing of this process: neither its variables nor its flags.
      env: {},
      execArgv: [],
    });
    // While nobody waits for an answer, an error of the thread has nobody to go to.
    worker.on('error', () => undefined);
    this.#all.push(worker);
    return worker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.splice(0).map(async (worker) => worker.terminate()));
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
