import { once } from 'node:events';
import { Worker, type Transferable } from 'node:worker_threads';
import { throwIfAborted } from './byte-streams.js';
import { createLimiter, type Limiter } from './limiter.js';
import { valueOf, type ThreadAnswer } from './thread-answer.js';

export interface ThreadPoolOptions {
  /** The worker's program, which calls `answerQuestions`. */
  readonly entry: URL;
  /** How many there may be, 1 or more. */
  readonly threads: number;
  /** Names what is being done, as in `cannot <what>: it was cancelled`. */
  readonly what: string;
}

export interface AskOptions {
  /** What is in the question and goes over to the thread. */
  readonly transfer?: readonly Transferable[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Threads that are asked one question at a time, started when they are first needed: as many as there are questions under way, up
 * to the number given. While nobody waits for an answer they keep no process alive. Disposing of it ends them, whatever they are at.
 */
export class ThreadPool<Question, Answer> implements AsyncDisposable {
  readonly #options: ThreadPoolOptions;
  readonly #limiter: Limiter;
  readonly #all: Worker[] = [];
  readonly #idle: Worker[] = [];
  readonly #ready = new WeakMap<Worker, Promise<unknown>>();

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
    this.#limiter = createLimiter(options.threads);
  }

  /**
   * In the order of the calls. A question whose thread fails, or that is cancelled while a thread is at it, costs that thread.
   * @throws what the work threw, as `valueOf` has it; `ABORTED`; what the thread itself failed with
   */
  async ask(question: Question, options: AskOptions = {}): Promise<Answer> {
    const answer = await this.#limiter.run(async () => this.#ask(question, options), { signal: options.signal });
    return valueOf(answer);
  }

  async #ask(question: Question, { transfer = [], signal }: AskOptions): Promise<ThreadAnswer<Answer>> {
    const worker = this.#idle.pop() ?? this.#start();
    worker.ref();
    try {
      await this.#ready.get(worker);
      worker.postMessage(question, [...transfer]);
      // The thread's own failure (`error`) rejects as well.
      const [answer] = (await once(worker, 'message', signal === undefined ? {} : { signal })) as [
        ThreadAnswer<Answer>,
      ];
      this.#idle.push(worker);
      worker.unref();
      return answer;
    } catch (error) {
      await this.#end(worker);
      throwIfAborted(this.#options.what, signal);
      throw error;
    }
  }

  #start(): Worker {
    const worker = new Worker(this.#options.entry, {
      // Nothing of this process: neither its variables nor its flags.
      env: {},
      execArgv: [],
      // Node would warn of every descriptor that a system call opened and Node closes.
      trackUnmanagedFds: false,
    });
    // While nobody waits for an answer, an error of the thread has nobody to go to.
    worker.on('error', () => undefined);
    this.#all.push(worker);
    const ready = once(worker, 'message');
    ready.catch(() => undefined);
    this.#ready.set(worker, ready);
    return worker;
  }

  /** Not while it loads: a native module that is being loaded into a thread that is ended ends the whole process. */
  async #end(worker: Worker): Promise<void> {
    await this.#ready.get(worker)?.catch(() => undefined);
    await worker.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.splice(0).map(async (worker) => this.#end(worker)));
  }
}
