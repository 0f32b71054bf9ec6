import { setMaxListeners } from 'node:events';
import { createLimiter } from '../support/limiter.js';

/** Registries are asked for at most this much at once, as Docker does by default. */
const CONCURRENCY = 4;

/**
 * Runs `transfer` for all items, some at once. The first failure cancels the others; it is thrown when all have ended.
 * @returns the results in the order of the items
 */
export async function transferAll<T, R>(
  items: readonly T[],
  transfer: (item: T, signal: AbortSignal) => Promise<R>,
  signal: AbortSignal | undefined,
): Promise<readonly R[]> {
  const limiter = createLimiter(CONCURRENCY);
  const failed = new AbortController();
  const stop = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  // Every item and each of its requests listen: Node takes more than ten listeners for a leak.
  setMaxListeners(0, stop);
  const failures: unknown[] = [];
  const running = items.map(async (item) => {
    try {
      return await limiter.run(async () => await transfer(item, stop), { signal: stop });
    } catch (error) {
      failures.push(error);
      failed.abort(error);
      throw error;
    }
  });
  await Promise.allSettled(running);
  if (failures.length > 0) throw failures[0];
  return await Promise.all(running);
}
