import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Digester } from '../../oci/digest.js';
import { valueOf, type ThreadAnswer } from '../../support/thread-answer.js';
import { ChunkRing } from './chunk-ring.js';
import type { Copying } from './copying-digester.js';

export interface ChunkQuestion extends Copying {
  /** Of a `ChunkRing`. */
  readonly memory: SharedArrayBuffer;
}

type Digested = ReturnType<Digester['finish']>;

/**
 * Digests chunks in a thread of its own, while this one goes on without a turn of its event loop. Disposing of it ends the thread,
 * whatever it is at.
 */
export class ChunkDigester implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #ring = new ChunkRing();
  readonly #answer: Promise<unknown[]>;

  private constructor(worker: Worker, copying: Copying) {
    this.#worker = worker;
    this.#answer = once(worker, 'message');
    // Whoever asks for it gets the failure.
    this.#answer.catch(() => undefined);
    worker.postMessage({ memory: this.#ring.memory, ...copying } satisfies ChunkQuestion);
  }

  /** @throws what the thread failed with while it started */
  static async open(copying: Copying): Promise<ChunkDigester> {
    const worker = new Worker(new URL('./chunk-digest-worker.js', import.meta.url), { env: {}, execArgv: [] });
    // Only then: a thread that waits for room lets none begin.
    await once(worker, 'message');
    return new ChunkDigester(worker, copying);
  }

  update(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#ring.push(chunk);
  }

  /** To be called once. @throws what the thread failed with */
  async finish(): Promise<Digested> {
    this.#ring.push(Buffer.alloc(0));
    const [answer] = await this.#answer;
    return valueOf(answer as ThreadAnswer<Digested>);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
