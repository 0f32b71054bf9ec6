import { expect, test } from 'vitest';
import { backoffMs, retry, sleep, type Attempt, type RetryPolicy } from '../../../src/support/retry.js';

function policy(slept: number[], random = 1): RetryPolicy {
  return {
    attempts: 5,
    baseMs: 100,
    capMs: 300,
    random: () => random,
    sleep: (ms) => {
      slept.push(ms);
      return Promise.resolve();
    },
  };
}

const failed = (waitMs?: number): Attempt<string> => ({ outcome: 'failed', error: new Error('no'), waitMs });

test('what succeeds is not tried again', async () => {
  const slept: number[] = [];
  expect(await retry(policy(slept), () => Promise.resolve({ outcome: 'done', result: 1 }))).toBe(1);
  expect(slept).toEqual([]);
});

test('waits grow up to the cap, and the last error is thrown', async () => {
  const slept: number[] = [];
  const numbers: number[] = [];
  const attempt = (number: number) => {
    numbers.push(number);
    return Promise.resolve(failed());
  };
  await expect(retry(policy(slept), attempt)).rejects.toThrow('no');
  expect(slept).toEqual([100, 200, 300, 300]);
  expect(numbers).toEqual([1, 2, 3, 4, 5]);
});

test('who is asked to wait waits that long', async () => {
  const slept: number[] = [];
  await retry(policy(slept), (number) => Promise.resolve(number === 1 ? failed(7) : { outcome: 'done', result: 'x' }));
  expect(slept).toEqual([7]);
});

test('an attempt that throws is the last', async () => {
  const slept: number[] = [];
  await expect(retry(policy(slept), () => Promise.reject(new Error('final')))).rejects.toThrow('final');
  expect(slept).toEqual([]);
});

test('a wait is a random part of its span', () => {
  expect(backoffMs(policy([], 0), 2)).toBe(0);
  expect(backoffMs(policy([], 0.5), 2)).toBe(100);
});

test('sleeping ends when it is cancelled', async () => {
  const controller = new AbortController();
  const sleeping = sleep(60_000, controller.signal);
  controller.abort();
  await expect(sleeping).rejects.toMatchObject({ code: 'ABORTED' });
});
