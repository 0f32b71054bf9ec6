import { expect } from 'vitest';

const TIMES = 8;
const ATTEMPTS = 12;

/**
 * Holds work to be linear in the size of its input, on a machine that others keep busy: eight times the size may take at most
 * 24 times as long, where quadratic work takes 64. The best of many runs count, and more are made while it looks bad, for noise
 * only ever adds. Sizes are such that the smaller run takes a millisecond or so.
 */
export function expectLinear(size: number, prepare: (size: number) => () => void): void {
  const [small, large] = [prepare(size), prepare(size * TIMES)];
  let [bestSmall, bestLarge] = [Infinity, Infinity];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    bestSmall = Math.min(bestSmall, milliseconds(small));
    bestLarge = Math.min(bestLarge, milliseconds(large));
    if (attempt >= 2 && bestLarge < 3 * TIMES * bestSmall) return;
  }
  expect(bestLarge).toBeLessThan(3 * TIMES * bestSmall);
}

function milliseconds(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
