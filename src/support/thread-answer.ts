import { parentPort } from 'node:worker_threads';
import { decodeError, encodeError, isTsbuildError, systemErrorCode, type ErrorRecord } from './errors.js';

/** The first thing that a thread says: all that it needs is loaded. */
const READY = 'ready';

/** What a thread says: errors lose their class, and more, on the way between threads. */
export type ThreadAnswer<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'refused'; readonly error: ErrorRecord }
  | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string };

/** For the entry of a worker: answers every question that a `ThreadPool` asks. What may be asked, the two of them know. */
export function answerQuestions(work: (question: never) => Promise<unknown>): void {
  parentPort?.on('message', (question: unknown) => {
    void answer(async () => await work(question as never)).then((found) => {
      parentPort?.postMessage(found);
    });
  });
  parentPort?.postMessage(READY);
}

async function answer(work: () => Promise<unknown>): Promise<ThreadAnswer<unknown>> {
  try {
    return { kind: 'done', value: await work() };
  } catch (error) {
    if (isTsbuildError(error)) return { kind: 'refused', error: encodeError(error) };
    return { kind: 'failed', code: systemErrorCode(error), message: String(error) };
  }
}

/** @throws what the thread's work threw: a `TsbuildError`, or an error with the `code` of a system error */
export function valueOf<T>(answer: ThreadAnswer<T>): T {
  switch (answer.kind) {
    case 'done':
      return answer.value;
    case 'refused':
      throw decodeError(answer.error);
    case 'failed':
      throw Object.assign(new Error(answer.message), { code: answer.code });
  }
}
