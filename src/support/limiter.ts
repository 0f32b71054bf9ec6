import type PQueue from 'p-queue';
import { TsbuildError } from './errors.js';

/** Runs tasks, some at once and the others in the order they came. */
export interface Limiter {
  /**
   * Resolves or rejects as the task does. A task that still waits when `signal` aborts is never started (`ABORTED`); one that
   * runs is waited for: ending it is its own affair.
   */
  run<T>(task: () => Promise<T>, options?: { readonly signal?: AbortSignal | undefined }): Promise<T>;
}

/** @param concurrency how many tasks run at once, 1 or more */
export function createLimiter(concurrency: number): Limiter {
  let queue: Promise<PQueue> | undefined;
  return {
    run: async (task, { signal } = {}) => {
      queue ??= createQueue(concurrency);
      return await enqueue(await queue, task, signal);
    },
  };
}

async function createQueue(concurrency: number): Promise<PQueue> {
  const { default: Queue } = await import('p-queue');
  return new Queue({ concurrency });
}

async function enqueue<T>(queue: PQueue, task: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await queue.add(task);
  // p-queue would also abandon a task that runs; this signal is cut off as soon as the task starts.
  const waiting = new AbortController();
  const cancel = (): void => {
    waiting.abort(cancelled(signal));
  };
  if (signal.aborted) throw cancelled(signal);
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await queue.add(
      () => {
        signal.removeEventListener('abort', cancel);
        return task();
      },
      { signal: waiting.signal },
    );
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

function cancelled(signal: AbortSignal): TsbuildError {
  return new TsbuildError('ABORTED', 'cannot start a task: it was cancelled', { cause: signal.reason });
}
