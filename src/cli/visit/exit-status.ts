import { constants } from 'node:os';
import type { RunResult } from '../../sandbox/sandbox.js';

/** What a shell reports: of a program that a signal ended, 128 and the signal's number. */
export function exitStatusOf(result: RunResult): number {
  return result.outcome === 'exited' ? result.exitCode : 128 + constants.signals[result.signal];
}
