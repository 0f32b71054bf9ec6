import { once } from 'node:events';
import { TsbuildError } from '../../support/errors.js';
import type { RunSpec } from '../run-spec.js';
import type { RunIo, RunResult } from '../sandbox.js';

/** How a step's program ended, or that there was none. */
export type StepEnd =
  | { readonly type: 'ended'; readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly type: 'refused'; readonly exitCode: number; readonly message: string };

/** A program that is not there ends like one that a shell could not find: with a line on stderr, and 126 or 127. */
export async function resultOf(end: StepEnd, { stderr }: RunIo): Promise<RunResult> {
  if (end.type === 'refused') {
    if (!stderr.write(`${end.message}\n`)) await once(stderr, 'drain');
    return { outcome: 'exited', exitCode: end.exitCode };
  }
  if (end.signal !== null) return { outcome: 'killed', signal: end.signal };
  return { outcome: 'exited', exitCode: end.exitCode ?? 0 };
}

export function throwIfAborted({ argv }: Pick<RunSpec, 'argv'>, signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new TsbuildError('ABORTED', `cannot finish "${argv[0]}": it was cancelled`, { cause: signal.reason });
}
