import { expect } from 'vitest';

const TIMES = 16;
const SLACK = 8;
const ATTEMPTS = 12;

/**
 * Holds work to be linear in the size of its input, on a machine that others keep busy: 16 times the size may take at most
 * 128 times as long (caches and collections of garbage account for some), where quadratic work takes 256. The best of many runs count, and more are made while it looks bad, for noise
 * only ever adds. Sizes are such that the smaller run takes half a millisecond or so.
 */
export function expectLinear(size: number, prepare: (size: number) => () => void): void {
  const [small, large] = [prepare(size), prepare(size * TIMES)];
  let [bestSmall, bestLarge] = [Infinity, Infinity];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    bestSmall = Math.min(bestSmall, milliseconds(small));
    bestLarge = Math.min(bestLarge, milliseconds(large));
    if (attempt >= 2 && bestLarge < SLACK * TIMES * bestSmall) return;
  }
  expect(bestLarge).toBeLessThan(SLACK * TIMES * bestSmall);
}

function milliseconds(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
