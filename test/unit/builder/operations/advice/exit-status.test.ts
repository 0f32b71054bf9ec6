import { expect, test } from 'vitest';
import { endInWords } from '../../../../../src/builder/operations/advice/exit-status.js';

test.each([
  [1, 'exit code 1'],
  [126, 'exit code 126 (a program was found that cannot be run)'],
  [127, 'exit code 127 (a program was not found)'],
  [134, 'exit code 134 (killed by SIGABRT: the program gave up)'],
  [137, 'exit code 137 (killed by SIGKILL)'],
  [138, 'exit code 138 (killed by SIGUSR1)'],
  [139, 'exit code 139 (killed by SIGSEGV: a bad access to memory)'],
  [143, 'exit code 143 (killed by SIGTERM)'],
  [146, 'exit code 146'],
  [200, 'exit code 200'],
  [255, 'exit code 255'],
])('exit code %i in words', (exitCode, words) => {
  expect(endInWords({ outcome: 'exited', exitCode })).toBe(words);
});

test('a signal in words', () => {
  expect(endInWords({ outcome: 'killed', signal: 'SIGSEGV' })).toBe('killed by SIGSEGV (a bad access to memory)');
  expect(endInWords({ outcome: 'killed', signal: 'SIGKILL' })).toBe('killed by SIGKILL');
});
