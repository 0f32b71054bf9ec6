import { constants as os } from 'node:os';
import { invariant } from '../../support/invariant.js';
import type { TsbuildError } from '../../support/errors.js';
import { setupFailure } from '../calls/attempt.js';
import { CallFailed, type Answer } from '../calls/answers.js';
import type { Call, CallList, Memory } from '../calls/call-list.js';
import { missingProgram, refusedBy, type ExecAttempts } from './exec-attempts.js';
import type { StepEnd } from './step-end.js';

const SIGCHLD = 17;

/** A process that a list makes, and that becomes a program. */
export interface Birth {
  readonly call: Call;
  readonly attempts: ExecAttempts;
}

/** The waiting for it. */
export interface Death {
  readonly call: Call;
  readonly status: Memory;
}

/** @param become - calls of the process, at the end of which it becomes a program */
export function giveBirth(calls: CallList, become: (calls: CallList) => ExecAttempts): Birth {
  let attempts: ExecAttempts | undefined;
  const inside = calls.aside(() => {
    attempts = become(calls);
    calls.answer();
  });
  const call = calls.call('clone', [SIGCHLD, 0, 0, 0, 0], { onZero: inside });
  return {
    call,
    get attempts() {
      // What is aside comes with the end of the list.
      invariant(attempts !== undefined, 'a list was not sent');
      return attempts;
    },
  };
}

/** Reaps one child after the other until it was the one in question: whose status is the last one then. */
export function awaitAmongOrphans(calls: CallList, { call: child }: Birth): Death {
  const status = calls.space(8);
  const again = calls.label();
  calls.place(again);
  const call = calls.call('wait4', [-1, status, 0, 0]);
  calls.call('kill', [{ resultOf: child }, 0], { tolerate: ['ESRCH'], onZero: again });
  return { call, status };
}

/**
 * To the end of all answers.
 * @param onStarted - told the program's number in the pid namespace of this process, once it is born and this is answered
 * @throws `SANDBOX_FAILED` when a call failed, or whoever makes them was killed
 */
export async function followEnd(
  answers: AsyncIterable<Answer | CallFailed>,
  { birth, death }: { readonly birth: Birth; readonly death: Death },
  onStarted?: (pid: number) => void,
): Promise<StepEnd> {
  let end: StepEnd | undefined;
  for await (const told of answers) {
    // What the program's own process tells, if it does, is the truth.
    if (end !== undefined) continue;
    end = endTold(told, birth, death);
    if (end === undefined && !(told instanceof CallFailed)) onStarted?.(told.resultOf(birth.call));
  }
  if (end === undefined) throw launcherKilled(birth);
  return end;
}

/** Whoever made the calls is gone, and has not said how the program ended. */
export function launcherKilled({ attempts }: Birth): TsbuildError {
  return setupFailure(`run "${attempts.name}"`, 'its launcher was killed');
}

/** What an answer says of the end of the program; `undefined`: not yet anything. */
export function endTold(told: Answer | CallFailed, { call, attempts }: Birth, death: Death): StepEnd | undefined {
  if (told instanceof CallFailed) {
    const refused = refusedBy(attempts, told);
    if (refused === undefined) throw told.failure;
    return { type: 'refused', exitCode: refused.exitCode, message: refused.message };
  }
  if (told.resultOf(call) === 0) {
    const { exitCode, message } = missingProgram(attempts, told);
    return { type: 'refused', exitCode, message };
  }
  return told.resultOf(death.call) === 0 ? undefined : endOf(told.bytesOf(death.status).readUInt32LE(0));
}

/** wait(2), WTERMSIG and WEXITSTATUS. */
function endOf(word: number): StepEnd {
  const signal = SIGNALS.find(([, value]) => value === (word & 0x7f))?.[0];
  if (signal !== undefined) return { type: 'ended', exitCode: null, signal };
  // A real-time signal has no name: as a shell has it.
  const exitCode = (word & 0x7f) === 0 ? (word >> 8) & 0xff : 128 + (word & 0x7f);
  return { type: 'ended', exitCode, signal: null };
}
const SIGNALS = Object.entries(os.signals) as [NodeJS.Signals, number][];
