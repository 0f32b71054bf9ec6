import { expect, test } from 'vitest';
import { jobsOn } from '../../../src/toolchain/builder-parts.js';

test.for([
  [1, 4],
  [2, 4],
  [4, 4],
  [64, 64],
])('with %i processors, %i steps are at work at once unless a build says otherwise', ([processors = 0, jobs]) => {
  expect(jobsOn(processors)).toBe(jobs);
});
