import { constants } from 'node:fs';
import { O_PATH } from '../../support/syscalls.js';
import { CAP_SYS_ADMIN, CAP_SYS_CHROOT, DEFAULT_CAPABILITY_SET } from '../rights/capabilities.js';
import { CallList, type Call } from '../calls/call-list.js';
import type { CallProcess } from '../calls/call-process.js';
import { CALL_DESCRIPTORS } from '../calls/call-program.js';
import { openPath } from '../calls/kernel-calls.js';
import { closeOthers, keepOwnDescriptors } from '../calls/own-descriptors.js';
import { awaitAmongOrphans, endTold, giveBirth, launcherKilled } from '../step/child-program.js';
import { execProgram } from '../step/exec-attempts.js';
import { giveUpRights, setLimits } from '../rights/give-up-rights.js';
import type { Rights } from '../rights/privileges.js';
import type { RunSpec } from '../run-spec.js';
import type { StepEnd } from '../step/step-end.js';

export interface ChrootStart {
  readonly spec: Pick<RunSpec, 'argv' | 'env' | 'cwd' | 'user' | 'limits'>;
  /** The root file system's directory. */
  readonly root: string;
  /** An open descriptor of `spec.cwd` within it. */
  readonly directory: number;
  /** For seccomp(2). */
  readonly filter: Uint8Array;
  readonly rights: Rights;
}

const PR_SET_CHILD_SUBREAPER = 36;
const SIGCHLD = 17;
const SIGKILL = 9;

/**
 * Has a process change its root and start one program there. It adopts and reaps what that leaves behind, and lasts until nothing of
 * it is left: who calls this kills that.
 */
export async function runInChroot(process: CallProcess, start: ChrootStart): Promise<StepEnd> {
  const { spec, rights, root } = start;
  await prepare(process);
  const list = new CallList();
  const directory = process.pathOf(start.directory);
  list.during('change the root', () => {
    const opened = openPath(list, { path: directory, flags: O_PATH | constants.O_DIRECTORY });
    list.call('chroot', [list.text(root)]);
    list.call('fchdir', [opened]);
  });
  const birth = giveBirth(list, () => {
    list.call('setpgid', [0, 0]);
    // Without CAP_SYS_CHROOT there is no second chroot, which is the way out of the first.
    const capabilities = DEFAULT_CAPABILITY_SET & ~CAP_SYS_CHROOT;
    const mayFilter = (rights.permitted & CAP_SYS_ADMIN) !== 0n;
    giveUpRights(list, { user: spec.user, capabilities, filter: mayFilter ? start.filter : null }, rights);
    setLimits(list, spec.limits);
    return execProgram(list, spec);
  });
  // The output ends with the last process that has it, and so must not be open here.
  for (const descriptor of [0, 1, 2]) list.call('close', [descriptor]);
  endWithBuilder(list, birth.call);
  const death = awaitAmongOrphans(list, birth);
  list.answer();
  list.finish();
  for await (const told of process.end(list)) {
    const end = endTold(told, birth, death);
    if (end !== undefined) return end;
  }
  throw launcherKilled(birth);
}

async function prepare(process: CallProcess): Promise<void> {
  let closing: Call | undefined;
  const { resultOf } = await process.make((calls) => {
    closing = keepOwnDescriptors(calls);
    // Without a terminal that keys could be pushed into (TIOCSTI, CVE-2017-5226).
    calls.call('setsid', []);
    calls.call('prctl', [PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0]);
  });
  if (closing !== undefined && resultOf(closing) < 0) await closeOthers(process);
}

/** When the builder dies, nobody waits for the step any more: a process that is in the program's group ends that with itself. */
function endWithBuilder(calls: CallList, program: Call): void {
  // Whoever is first, the program or this process: the group is there before it is joined.
  calls.call('setpgid', [{ resultOf: program }, { resultOf: program }], { tolerate: ['EACCES', 'ESRCH'] });
  const byte = calls.space(8);
  const watch = calls.aside(() => {
    for (const descriptor of [CALL_DESCRIPTORS.lists, CALL_DESCRIPTORS.answers]) calls.call('close', [descriptor]);
    calls.call('setpgid', [0, { resultOf: program }], { tolerate: ['EPERM', 'ESRCH'] });
    calls.call('read', [CALL_DESCRIPTORS.control, byte, 1]);
    calls.call('kill', [0, SIGKILL]);
  });
  calls.call('clone', [SIGCHLD, 0, 0, 0, 0], { onZero: watch });
}
