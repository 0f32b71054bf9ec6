import { setTimeout as delay } from 'node:timers/promises';
import { TsbuildError } from './errors.js';

export interface RetryPolicy {
  /** How often a thing is tried in all, 1 or more. */
  readonly attempts: number;
  /** The longest wait before the second attempt; it doubles with every further one, up to `capMs`. */
  readonly baseMs: number;
  readonly capMs: number;
  /** From 0 to 1, as `Math.random`. */
  readonly random: () => number;
  /** Rejects with `ABORTED` as soon as `signal` aborts. */
  readonly sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

/** What an attempt came to: a result, or an error that another attempt may not meet. Errors that it throws are final. */
export type Attempt<T> =
  | { readonly outcome: 'done'; readonly result: T }
  | {
      readonly outcome: 'failed';
      readonly error: unknown;
      /** How long the other side asked to be left alone. */
      readonly waitMs?: number | undefined;
    };

/**
 * Tries until an attempt is done. Between attempts it waits a random part of a growing span ("full jitter": many clients that
 * failed together do not come back together).
 * @throws the error of the last attempt, or whatever one threw
 */
export async function retry<T>(
  policy: RetryPolicy,
  attempt: (number: number) => Promise<Attempt<T>>,
  signal?: AbortSignal,
): Promise<T> {
  for (let number = 1; ; number += 1) {
    const tried = await attempt(number);
    if (tried.outcome === 'done') return tried.result;
    if (number >= policy.attempts) throw tried.error;
    await policy.sleep(tried.waitMs ?? backoffMs(policy, number), signal);
  }
}

/** Milliseconds to wait after attempt `number`, counted from 1. */
export function backoffMs({ baseMs, capMs, random }: RetryPolicy, number: number): number {
  return Math.floor(random() * Math.min(capMs, baseMs * 2 ** (number - 1)));
}

/** @throws `ABORTED` */
export async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    throw new TsbuildError('ABORTED', 'cannot wait for another attempt: it was cancelled', { cause: error });
  }
}
