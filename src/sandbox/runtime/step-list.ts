import { answersIn } from '../calls/answers.js';
import { CallList, messageOf } from '../calls/call-list.js';
import { CALL_DESCRIPTORS } from '../calls/call-program.js';
import { changeDirectory } from '../calls/kernel-calls.js';
import { awaitAmongOrphans, endTold, giveBirth } from '../step/child-program.js';
import { execProgram } from '../step/exec-attempts.js';
import { giveUpRights, setLimits } from '../rights/give-up-rights.js';
import type { Rights } from '../rights/privileges.js';
import type { RunSpec } from '../run-spec.js';
import type { StepEnd } from '../step/step-end.js';

/** What process 1 is started with: descriptors of its own, and the step's outputs. */
export const STEP_DESCRIPTORS: Readonly<Record<'lists' | 'answers' | 'stdout' | 'stderr' | 'program', number>> = {
  lists: CALL_DESCRIPTORS.lists,
  answers: CALL_DESCRIPTORS.answers,
  stdout: 5,
  stderr: 6,
  program: 7,
};

export interface StepSettings {
  readonly spec: RunSpec;
  readonly capabilities: bigint;
  readonly rights: Rights;
}

export interface StepList {
  /** For the call program to read. */
  readonly message: Buffer;
  /** What its answers say; `undefined` when it never came to that. */
  readonly endIn: (answers: Buffer) => StepEnd | undefined;
}

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const PR_SET_DUMPABLE = 4;

/**
 * What process 1 of a step that a container runtime starts has to do. It needs nothing of the image and leaves nothing in it: it makes
 * a child, which becomes the step's program, and adopts and reaps whatever that leaves behind.
 *
 * A runtime alone would do for most of it, but has no word for "ended by signal 15": its exit code is 143 then, as that of a program
 * that says so itself. What a step's program is told (variables, which may be secrets, and arguments) is in no file of the runtime.
 * Limits come as late as that: a runtime might not live with them. So do user and groups, which bubblewrap cannot set, and of which
 * runtimes complain in words of their own.
 */
export function stepList({ spec, capabilities, rights }: StepSettings): StepList {
  const calls = new CallList();
  // Nothing in here is for the step to look at.
  calls.call('prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0]);
  const birth = giveBirth(calls, () => {
    // Of its own, without a terminal that keys could be pushed into (TIOCSTI, CVE-2017-5226).
    calls.call('setsid', []);
    placeDescriptors(calls);
    calls.during(`enter the working directory "${spec.cwd}"`, () => {
      changeDirectory(calls, spec.cwd);
    });
    // bubblewrap leaves root all bounds, and its capabilities inheritable (CVE-2022-27651); the filter is the runtime's.
    giveUpRights(calls, { user: spec.user, capabilities, filter: null }, rights);
    setLimits(calls, spec.limits);
    return execProgram(calls, spec);
  });
  const death = awaitAmongOrphans(calls, birth);
  calls.answer();
  // The kernel then kills what is left (pid_namespaces(7)).
  calls.call('exit_group', [0]);
  const encoded = calls.encode();
  return {
    message: messageOf(encoded),
    endIn: (answers) => {
      for (const told of answersIn(answers, encoded)) {
        const end = endTold(told, birth, death);
        if (end !== undefined) return end;
      }
      return undefined;
    },
  };
}

function placeDescriptors(calls: CallList): void {
  calls.during('connect the output', () => {
    calls.call('dup3', [STEP_DESCRIPTORS.stdout, 1, 0]);
    calls.call('dup3', [STEP_DESCRIPTORS.stderr, 2, 0]);
    for (const descriptor of Object.values(STEP_DESCRIPTORS)) calls.call('fcntl', [descriptor, F_SETFD, FD_CLOEXEC]);
  });
}
