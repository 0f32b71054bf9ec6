import { createReadStream } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { createDigester, type Digest, type DigestAlgorithm } from '../../oci/digest.js';
import { abortable, throwIfAborted } from '../../support/byte-streams.js';
import type { GrowingFile } from './digest-growing-file.js';
import { FileGrowth } from './file-growth.js';

/** Bytes. Hashing a file in smaller pieces takes up to twice as long. */
const CHUNK = 1 << 20;
const WHAT = 'store a blob';

export interface FileDigestOptions {
  readonly algorithm: DigestAlgorithm;
  readonly signal: AbortSignal | undefined;
}

/**
 * The digest of a file that is written here, computed beside that by a thread of its own, which reads the file. The two need no room
 * between them, and neither waits for the other before the end. Disposing of it ends the thread, whatever it is at.
 */
export class FileDigest implements AsyncDisposable {
  readonly #path: string;
  readonly #options: FileDigestOptions;
  readonly #growth = new FileGrowth();
  readonly #worker: Worker;
  readonly #answer: Promise<Digest | undefined>;
  #size = 0;

  /** @param path absolute, of a file that is there. @throws what a thread that cannot be started fails with */
  constructor(path: string, options: FileDigestOptions) {
    this.#path = path;
    this.#options = options;
    const { memory } = this.#growth;
    this.#worker = new Worker(new URL('./file-digest-worker.js', import.meta.url), {
      // Nothing of this process: neither its variables nor its flags.
      env: {},
      execArgv: [],
      workerData: { path, algorithm: options.algorithm, memory } satisfies GrowingFile,
    });
    this.#answer = answerOf(this.#worker);
  }

  /** So many bytes more are in the file. */
  grew(bytes: number): void {
    this.#size += bytes;
    this.#growth.grew(bytes);
  }

  /** Of all that was told of. When the thread has failed, the file is read here. @throws system errors, `ABORTED` */
  async finish(): Promise<Digest> {
    const { signal } = this.#options;
    throwIfAborted(WHAT, signal);
    this.#growth.end();
    const stop = (): void => void this.#worker.terminate();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const digest = await this.#answer;
      throwIfAborted(WHAT, signal);
      return digest ?? (await this.#digestHere());
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  async #digestHere(): Promise<Digest> {
    const { algorithm, signal } = this.#options;
    const digester = createDigester(algorithm);
    const source = createReadStream(this.#path, { end: Math.max(this.#size, 1) - 1, highWaterMark: CHUNK });
    for await (const chunk of abortable(source, WHAT, signal)) digester.update(chunk);
    const { digest, size } = digester.finish();
    if (size === this.#size) return digest;
    const message = `cannot read "${this.#path}": it ends after ${size} of ${this.#size} bytes`;
    throw Object.assign(new Error(message), { code: 'EIO' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}

/** `undefined` when the thread ends without one: it failed, could not load its program, or was ended. */
function answerOf(worker: Worker): Promise<Digest | undefined> {
  return new Promise((resolve) => {
    const failed = (): void => {
      resolve(undefined);
    };
    worker.once('message', resolve).once('error', failed).once('exit', failed);
  });
}
