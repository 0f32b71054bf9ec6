import { constants } from 'node:fs';
import { constants as os } from 'node:os';
import { bytesOfText } from '../support/byte-string.js';
import { invariant } from '../support/invariant.js';
import { O_PATH } from '../support/syscalls.js';
import { attempt, setupFailure } from './attempt.js';
import { CallList, type Call, type Memory } from './calls/call-list.js';
import { CallFailed, type Answer } from './calls/call-process.js';
import { changeDirectory, openPath, unmount } from './calls/kernel-calls.js';
import { execProgram, missingProgram, refusedBy, type ExecAttempts } from './exec-attempts.js';
import { giveUpRights, setLimits } from './give-up-rights.js';
import type { Launch } from './launcher.js';
import { Descriptors } from './mounts/descriptors.js';
import { openExisting, type Root } from './mounts/rooted.js';
import type { Restriction, Rights } from './privileges.js';
import type { RunSpec } from './run-spec.js';
import type { StepEnd } from './step-end.js';

const SIGCHLD = 17;
const SIGKILL = 9;

export interface StepStart {
  readonly spec: Pick<RunSpec, 'argv' | 'env' | 'cwd' | 'limits'>;
  readonly root: Root;
  readonly restriction: Restriction;
  readonly rights: Rights;
  /** Standard error is standard output. */
  readonly together: boolean;
  /** A descriptor of this process: what all three streams are, and what controls the program's session. */
  readonly terminal?: number | undefined;
  /** Called with the program's number once it has been started, if anybody is to give it orders. */
  readonly onStarted?: ((pid: number) => void) | undefined;
}

/**
 * Enters the root file system, starts the step's program there with just its three descriptors, and resolves when that has ended and
 * all that it has started is gone. The launch cannot be used for anything else after that.
 */
export async function runStep({ process, parts, init }: Launch, start: StepStart): Promise<StepEnd> {
  const calls = new CallList();
  using open = new Descriptors();
  const directory = open.keep(openWorkingDirectory(start.root, start.spec.cwd));
  const terminal = start.terminal === undefined ? undefined : openTerminal(calls, process.pathOf(start.terminal));
  enterRoot(calls, { root: parts.root, directory: process.pathOf(directory) });
  const program = fork(calls, start, terminal);
  if (terminal !== undefined) calls.call('close', [terminal]);
  if (start.onStarted !== undefined) calls.answer();
  const { status, waiting } = awaitProgram(calls, program.process, init);
  let end: StepEnd | undefined;
  for await (const told of process.end(calls)) {
    if (!(told instanceof CallFailed) && told.resultOf(program.process) > 0 && told.resultOf(waiting) === 0) {
      start.onStarted?.(told.resultOf(program.process));
      continue;
    }
    // What the program's own process tells, if it does, comes first.
    end ??= told instanceof CallFailed ? failed(told, program.attempts) : endOf(told, program, status);
  }
  if (end === undefined) throw setupFailure(`run "${start.spec.argv[0]}"`, 'its launcher was killed');
  return end;
}

/** Without following what /proc has for links, which lead anywhere (CVE-2024-21626). */
function openWorkingDirectory(root: Root, cwd: string): number {
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

interface Program {
  readonly process: Call;
  readonly attempts: ExecAttempts;
}

function fork(
  calls: CallList,
  { spec, restriction, rights, together }: StepStart,
  terminal: Opened | undefined,
): Program {
  let attempts: ExecAttempts = { name: spec.argv[0], attempts: [] };
  const inside = calls.aside(() => {
    // A session of its own: without a terminal that keys could be pushed into (TIOCSTI, CVE-2017-5226).
    calls.call('setsid', []);
    if (terminal !== undefined) takeTerminal(calls, terminal);
    else if (together) calls.call('dup3', [1, 2, 0]);
    giveUpRights(calls, restriction, rights);
    setLimits(calls, spec.limits);
    attempts = execProgram(calls, spec);
    calls.answer();
  });
  const process = calls.call('clone', [SIGCHLD, 0, 0, 0, 0], { onZero: inside });
  return {
    process,
    get attempts() {
      return attempts;
    },
  };
}

/** Its output ends with the last process that has it, and so must not be open here. */
function awaitProgram(
  calls: CallList,
  program: Call,
  init: number,
): { readonly status: Memory; readonly waiting: Call } {
  const status = calls.space(8);
  for (const descriptor of [0, 1, 2]) calls.call('close', [descriptor]);
  const waiting = calls.call('wait4', [{ resultOf: program }, status, 0, 0]);
  calls.answer();
  calls.call('kill', [init, SIGKILL], { tolerate: ['ESRCH'] });
  calls.finish();
  return { status, waiting };
}

function failed(failure: CallFailed, attempts: ExecAttempts): StepEnd {
  const refused = refusedBy(attempts, failure);
  if (refused === undefined) throw failure.failure;
  return { type: 'refused', exitCode: refused.exitCode, message: refused.message };
}

function endOf(answer: Answer, { process, attempts }: Program, status: Memory): StepEnd {
  // In the program's own process, clone(2) has returned zero.
  if (answer.resultOf(process) === 0) {
    const { exitCode, message } = missingProgram(attempts, answer);
    return { type: 'refused', exitCode, message };
  }
  // wait(2), WTERMSIG and WEXITSTATUS.
  const word = answer.bytesOf(status).readUInt32LE(0);
  const signal = signalName(word & 0x7f);
  if (signal !== undefined) return { type: 'ended', exitCode: null, signal };
  // A real-time signal has no name: as a shell has it.
  const exitCode = (word & 0x7f) === 0 ? (word >> 8) & 0xff : 128 + (word & 0x7f);
  return { type: 'ended', exitCode, signal: null };
}

function signalName(number: number): NodeJS.Signals | undefined {
  return SIGNALS.find(([, value]) => value === number)?.[0];
}
const SIGNALS = Object.entries(os.signals) as [NodeJS.Signals, number][];
