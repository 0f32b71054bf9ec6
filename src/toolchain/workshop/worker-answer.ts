import type { ProgressSink } from '../../builder/progress.js';
import type { FailedStep } from '../../builder/visit.js';
import type { FromWorker, WorkerResult } from './build-messages.js';
import type { ChildProcess } from '../../support/child-process.js';
import { decodeError, TsbuildError } from '../../support/errors.js';

/** What is needed of the process that builds. */
export type WorkerProcess = Pick<ChildProcess, 'on' | 'once' | 'connected'>;

/**
 * Passes events on until the worker says how it ended, and waits for it to be gone. Node may tell of the end of a process before
 * it has read the last of its messages: only when the channel is closed too, nothing more can come.
 */
export function answerOf(
  child: WorkerProcess,
  progress: ProgressSink,
  onVisit: (failed: FailedStep | undefined) => void = () => undefined,
): Promise<WorkerResult> {
  return new Promise((resolve, reject) => {
    let end: (() => void) | undefined;
    child.on('message', (message: FromWorker) => {
      if (message.type === 'progress') progress(message.event);
      else if (message.type === 'visit') onVisit(message.failed);
      else if (message.type === 'done')
        end = () => {
          resolve(message.result);
        };
      else
        end = () => {
          reject(failure(message));
        };
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      const settle = (): void => {
        if (end !== undefined) end();
        else reject(endedEarly(signal ?? `status ${String(code)}`));
      };
      if (child.connected) child.once('disconnect', settle);
      else settle();
    });
  });
}

function endedEarly(how: string): TsbuildError {
  return new TsbuildError('SANDBOX_FAILED', `cannot finish the build: its process ended with ${how}`, {
    hint: 'If the machine ran out of memory, its kernel log says so.',
  });
}

function failure({ error, stack }: Extract<FromWorker, { type: 'failed' }>): Error {
  if (error.code !== 'INTERNAL') return decodeError(error);
  const internal = new Error(error.message);
  if (stack !== undefined) internal.stack = stack;
  return internal;
}
