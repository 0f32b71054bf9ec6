import { constants } from 'node:fs';
import { bytesOfText } from '../../support/byte-string.js';
import { invariant } from '../../support/invariant.js';
import { CLONE, O_PATH } from '../../support/syscalls.js';
import { attempt, setupFailure } from '../calls/attempt.js';
import { CallList, type Call } from '../calls/call-list.js';
import { changeDirectory, openPath, unmount } from '../calls/kernel-calls.js';
import { followEnd, giveBirth, type Death } from './child-program.js';
import { execProgram, type ExecAttempts } from './exec-attempts.js';
import { giveUpRights, setLimits } from '../rights/give-up-rights.js';
import type { Launch } from '../namespaces/launcher.js';
import { Descriptors } from '../mounts/descriptors.js';
import { openExisting, type Root } from '../mounts/rooted.js';
import type { Restriction, Rights } from '../rights/privileges.js';
import type { RunSpec } from '../run-spec.js';
import type { StepEnd } from './step-end.js';

const SIGKILL = 9;

/** A process of a launch, and what happens around it. */
export interface LaunchedProgram {
  /** Calls of the launcher's own, before the process is born. */
  readonly before: (calls: CallList) => void;
  /** Calls of the process, at the end of which it becomes a program. */
  readonly inside: (calls: CallList) => ExecAttempts;
  /** Calls of the launcher's own, once the process is born. */
  readonly after?: ((calls: CallList) => void) | undefined;
  /** Told its number in the pid namespace of this process, once it is born. */
  readonly onStarted?: ((pid: number) => void) | undefined;
}

/**
 * Starts a program in the namespaces of a launch, as process 2 there, and resolves when that has ended and all that it has started is
 * gone. It has the launch's three descriptors. The launch cannot be used for anything else after that.
 */
export async function runInLaunch(
  { process, init }: Pick<Launch, 'process' | 'init'>,
  program: LaunchedProgram,
): Promise<StepEnd> {
  const calls = new CallList();
  program.before(calls);
  const birth = giveBirth(calls, program.inside);
  program.after?.(calls);
  const death = awaitProgram(calls, birth.call, init);
  return await followEnd(process.end(calls), { birth, death }, program.onStarted);
}

export interface StepStart extends Pick<LaunchedProgram, 'onStarted'> {
  readonly spec: Pick<RunSpec, 'argv' | 'env' | 'cwd' | 'limits'>;
  readonly root: Root;
  readonly restriction: Restriction;
  readonly rights: Rights;
  /** Standard error is standard output. */
  readonly together: boolean;
  /** A descriptor of this process: of a user namespace that the program is to be in. */
  readonly userNamespace?: number | undefined;
  /** A descriptor of this process: what all three streams are, and what controls the program's session. */
  readonly terminal?: number | undefined;
}

/** Enters the root file system, and runs the step's program there to its end. */
export async function runStep(launch: Launch, start: StepStart): Promise<StepEnd> {
  const { spec, restriction, rights, together, onStarted } = start;
  using open = new Descriptors();
  const directory = open.keep(openWorkingDirectory(start.root, spec.cwd));
  let terminal: Opened | undefined;
  let namespace: Opened | undefined;
  return await runInLaunch(launch, {
    before: (calls) => {
      if (start.terminal !== undefined) terminal = openTerminal(calls, launch.process.pathOf(start.terminal));
      if (start.userNamespace !== undefined)
        namespace = openPath(calls, { path: launch.process.pathOf(start.userNamespace), flags: constants.O_RDONLY });
      enterRoot(calls, { root: launch.parts.root, directory: launch.process.pathOf(directory) });
    },
    inside: (calls) => {
      // A session of its own: without a terminal that keys could be pushed into (TIOCSTI, CVE-2017-5226).
      calls.call('setsid', []);
      if (terminal !== undefined) takeTerminal(calls, terminal);
      else if (together) calls.call('dup3', [1, 2, 0]);
      if (namespace !== undefined) enterUserNamespace(calls, namespace);
      giveUpRights(calls, restriction, rights);
      setLimits(calls, spec.limits);
      return execProgram(calls, spec);
    },
    after: (calls) => {
      for (const opened of [terminal, namespace]) if (opened !== undefined) calls.call('close', [opened]);
    },
    onStarted,
  });
}

/** Without following what /proc has for links, which lead anywhere (CVE-2024-21626). */
export function openWorkingDirectory(root: Root, cwd: string): number {
  const what = `enter the working directory "${cwd}"`;
  const options = { symlinks: true, directory: true };
  const directory = attempt(what, () => openExisting(root.descriptor, bytesOfText(cwd), options));
  if (directory === undefined) throw setupFailure(what, 'ENOENT');
  return directory;
}

/** pivot_root(2): the old root is mounted over the new one for a moment, and taken away with all that is below it. */
export function enterRoot(calls: CallList, paths: { readonly root: string; readonly directory: string }): void {
  calls.during('change the root', () => {
    const directory = openPath(calls, { path: paths.directory, flags: O_PATH | constants.O_DIRECTORY });
    changeDirectory(calls, paths.root);
    calls.call('pivot_root', [calls.text('.'), calls.text('.')]);
    unmount(calls, '.');
    calls.call('fchdir', [directory]);
  });
}

type Opened = ReturnType<typeof openPath>;

/** Found by this process's /proc, which is out of sight once the root is changed. */
function openTerminal(calls: CallList, path: string): Opened {
  let terminal: Opened | undefined;
  calls.during('open the terminal', () => {
    terminal = openPath(calls, { path, flags: constants.O_RDWR | constants.O_NOCTTY });
  });
  invariant(terminal !== undefined, 'what is done during something has been done');
  return terminal;
}

/** ioctl_tty(2): only the first process of a session can have it take one. */
const TIOCSCTTY = 0x540e;

function takeTerminal(calls: CallList, terminal: Opened): void {
  calls.during('take the terminal', () => {
    calls.call('ioctl', [terminal, TIOCSCTTY, 0]);
    for (const descriptor of [0, 1, 2]) calls.call('dup3', [terminal, descriptor, 0]);
  });
}

/** With the same ids, and another binfmt_misc. All that was made before belongs to the namespace outside. */
function enterUserNamespace(calls: CallList, namespace: Opened): void {
  calls.during('enter the user namespace of the emulators', () => {
    calls.call('setns', [namespace, CLONE.newuser]);
    calls.call('close', [namespace]);
  });
}

/** Its output ends with the last process that has it, and so must not be open here. */
function awaitProgram(calls: CallList, program: Call, init: number): Death {
  const status = calls.space(8);
  for (const descriptor of [0, 1, 2]) calls.call('close', [descriptor]);
  calls.answer();
  const call = calls.call('wait4', [{ resultOf: program }, status, 0, 0]);
  calls.answer();
  calls.call('kill', [init, SIGKILL], { tolerate: ['ESRCH'] });
  calls.finish();
  return { call, status };
}
