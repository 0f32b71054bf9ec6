import { constants, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { TsbuildError } from '../../support/errors.js';
import { closeDescriptor, MS, O_CLOEXEC, openPipe } from '../../support/syscalls.js';
import { DEFAULT_CAPABILITY_SET } from '../rights/capabilities.js';
import { CallFailed } from '../calls/answers.js';
import { CallList } from '../calls/call-list.js';
import { callProgram } from '../calls/call-program.js';
import { makeDirectory, mount, openPath, writeFile } from '../calls/kernel-calls.js';
import { strings } from '../step/exec-attempts.js';
import type { Launch } from '../namespaces/launcher.js';
import { descriptorPath, type Root } from '../mounts/rooted.js';
import type { Rights } from '../rights/privileges.js';
import type { RunSpec } from '../run-spec.js';
import { openWorkingDirectory } from '../step/start-step.js';
import type { StepEnd } from '../step/step-end.js';
import { bwrapArguments } from './bwrap-arguments.js';
import { bundleConfig } from './oci-bundle.js';
import type { Runtime } from './runtime.js';
import { STEP_DESCRIPTORS, stepList } from './step-list.js';

export interface RuntimeStart {
  readonly runtime: Runtime;
  readonly spec: RunSpec;
  /** With everything in it that the step sees. */
  readonly root: Root;
  readonly rights: Rights;
  /** For seccomp(2). */
  readonly filter: Uint8Array;
  /** Standard error is standard output. */
  readonly together: boolean;
}

/** A descriptor of bubblewrap's own. */
const FILTER = Math.max(...Object.values(STEP_DESCRIPTORS)) + 1;
const PRESERVED = Object.keys(STEP_DESCRIPTORS).length;
const SELF = `/proc/self/fd/${STEP_DESCRIPTORS.program}`;
const MAX_WORDS = 400;
const SIGCHLD = 17;

/** Whatever its configuration says of groups, it sets those. */
function groupsLost(): TsbuildError {
  return new TsbuildError('SANDBOX_FAILED', 'cannot keep the groups of this user: an OCI runtime drops them', {
    hint: 'Use --isolation=namespaces, or leave out --group-add.',
  });
}

/**
 * Has a runtime start the step in the mount, network and cgroup namespace of a launch that is furnished. All that the runtime keeps is
 * in a file system that vanishes with the launch; its process, and the step, are in the launch's pid namespace and die with that.
 * @throws `SANDBOX_FAILED` with the runtime's own words
 */
export async function startByRuntime(launch: Launch, start: RuntimeStart): Promise<StepEnd> {
  const { spec, rights, root, runtime } = start;
  if (spec.user.keepsGroups === true && runtime.kind !== 'bwrap') throw groupsLost();
  closeDescriptor(openWorkingDirectory(root, spec.cwd));
  const capabilities = rights.permitted & (spec.privileged ? ~0n : DEFAULT_CAPABILITY_SET);
  const { message, endIn } = stepList({ spec, capabilities, rights });
  await launch.process.make((calls) => {
    layOut(calls, launch, { start, capabilities, message });
  });
  const log = launch.process.open(logFile(launch));
  try {
    const end = endIn(await run(launch, start, capabilities));
    if (end !== undefined) return end;
    const words = readFileSync(descriptorPath(log), 'utf8').trim().split('\n').at(-1) ?? '';
    throw runtimeFailure(runtime, words === '' ? 'it ended without a word' : words.slice(-MAX_WORDS));
  } finally {
    closeDescriptor(log);
  }
}

const logFile = ({ parts }: Launch): string => join(parts.runtime, 'log');
const filterFile = ({ parts }: Launch): string => join(parts.runtime, 'filter');
const programFile = ({ parts }: Launch): string => join(parts.runtime, 'step');
const listFile = ({ parts }: Launch): string => join(parts.runtime, 'list');
const bundle = ({ parts }: Launch): string => join(parts.runtime, 'bundle');
const state = ({ parts }: Launch): string => join(parts.runtime, 'state');

interface Content {
  readonly start: RuntimeStart;
  readonly capabilities: bigint;
  readonly message: Uint8Array;
}

/** Files in memory: what the runtime is told, and what it starts. */
function layOut(calls: CallList, launch: Launch, { start, capabilities, message }: Content): void {
  const { runtime, spec, filter } = start;
  const { parts } = launch;
  const flags = MS.nosuid | MS.nodev;
  calls.during(`provide for "${runtime.program}"`, () => {
    mount(calls, { source: 'runtime', target: parts.runtime, type: 'tmpfs', flags, data: 'mode=700,size=64m' });
    writeFile(calls, { path: programFile(launch), content: callProgram(process.arch), mode: 0o555 });
    writeFile(calls, { path: listFile(launch), content: message, mode: 0o400 });
    writeFile(calls, { path: logFile(launch), content: Buffer.alloc(0), mode: 0o600 });
    writeFile(calls, { path: filterFile(launch), content: filter, mode: 0o400 });
    for (const path of [bundle(launch), state(launch)]) makeDirectory(calls, path, 0o700);
    const settings = { spec, root: parts.root, args: [SELF], capabilities, architecture: process.arch };
    const config = Buffer.from(JSON.stringify(bundleConfig(settings)));
    writeFile(calls, { path: join(bundle(launch), 'config.json'), content: config, mode: 0o400 });
  });
}

/** Has a child become the runtime, and waits for what process 1 has to say. */
async function run(launch: Launch, start: RuntimeStart, capabilities: bigint): Promise<Buffer> {
  const { process: launcher, parts } = launch;
  const { runtime } = start;
  const args = runtimeArguments(launch, start, capabilities);
  const status = openPipe();
  const calls = new CallList();
  const opened = openDescriptors(calls, launch, launcher.pathOf(status.write));
  calls.during(`mount for "${runtime.program}"`, () => {
    if (runtime.kind !== 'bwrap') hideCgroups(calls);
    // A runtime finds its child by the number that it has in their pid namespace: in the /proc of that, which was made for a step. The
    // step gets another, as the runtime gives it a pid namespace of its own.
    mount(calls, { source: join(parts.root, 'proc'), target: '/proc', flags: MS.move });
  });
  const inside = calls.aside(() => {
    calls.during(`start "${runtime.program}"`, () => {
      calls.call('setsid', []);
      placeDescriptors(calls, opened, start.together);
      const variables = strings(calls, ['PATH=/usr/sbin:/usr/bin:/sbin:/bin']);
      calls.call('execve', [calls.text(runtime.program), strings(calls, [runtime.program, ...args]), variables]);
    });
  });
  const child = calls.call('clone', [SIGCHLD, 0, 0, 0, 0], { onZero: inside });
  // The output ends with the last process that has it, and so must not be open here; nor must the other end of what is read below.
  for (const descriptor of [0, 1, 2]) calls.call('close', [descriptor]);
  calls.call('close', [opened.status]);
  calls.answer();
  calls.call('wait4', [{ resultOf: child }, 0, 0, 0]);
  calls.finish();
  const told = launcher.end(calls);
  try {
    const first = await told.next();
    closeDescriptor(status.write);
    if (first.value instanceof CallFailed) throw first.value.failure;
  } catch (error) {
    closeDescriptor(status.read);
    throw error;
  }
  const report = await readAll(status.read);
  // The runtime has not come to it: it, or its child, says why.
  if (report.length === 0) for await (const late of told) if (late instanceof CallFailed) throw late.failure;
  return report;
}

function runtimeArguments(launch: Launch, { runtime, spec }: RuntimeStart, capabilities: bigint): readonly string[] {
  const { parts } = launch;
  if (runtime.kind === 'bwrap') {
    return bwrapArguments({ spec, root: parts.root, args: [SELF], capabilities, parts, filter: FILTER });
  }
  // runc takes it for granted then that it may make no cgroups, and crun does not try.
  const cgroups = runtime.kind === 'runc' ? '--rootless=true' : '--cgroup-manager=disabled';
  return ['--root', state(launch), cgroups, 'run', '--bundle', bundle(launch), `--preserve-fds=${PRESERVED}`, 'step'];
}

/**
 * A runtime does not see how the machine mounts its cgroups: mixed hierarchies are refused by crun, and runc leaves groups behind
 * when it is killed. The step stays in the cgroup of its launcher.
 */
function hideCgroups(calls: CallList): void {
  const flags = MS.rdonly | MS.nosuid | MS.nodev | MS.noexec;
  mount(calls, { source: 'cgroup', target: '/sys/fs/cgroup', type: 'cgroup2', flags });
}

type Opened = Readonly<Record<'program' | 'list' | 'status' | 'log' | 'filter', ReturnType<typeof openPath>>>;

function openDescriptors(calls: CallList, launch: Launch, status: string): Opened {
  const [reading, writing] = [constants.O_RDONLY, constants.O_WRONLY];
  return {
    program: openPath(calls, { path: programFile(launch), flags: reading }),
    list: openPath(calls, { path: listFile(launch), flags: reading }),
    status: openPath(calls, { path: status, flags: writing }),
    log: openPath(calls, { path: logFile(launch), flags: writing | constants.O_APPEND }),
    filter: openPath(calls, { path: filterFile(launch), flags: reading }),
  };
}

/** Out of the way of one another first. */
const ASIDE = 20;

/** The step's outputs go where process 1 finds them; those of the runtime itself to its log. */
function placeDescriptors(calls: CallList, opened: Opened, together: boolean): void {
  const { program, list, status, log, filter } = opened;
  const wanted = [
    [1, STEP_DESCRIPTORS.stdout],
    [together ? 1 : 2, STEP_DESCRIPTORS.stderr],
    [program, STEP_DESCRIPTORS.program],
    [list, STEP_DESCRIPTORS.lists],
    [status, STEP_DESCRIPTORS.answers],
    [filter, FILTER],
    [log, 1],
    [log, 2],
  ] as const;
  wanted.forEach(([from], index) => calls.call('dup3', [from, ASIDE + index, O_CLOEXEC]));
  wanted.forEach(([, to], index) => calls.call('dup3', [ASIDE + index, to, 0]));
}

async function readAll(descriptor: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const reader = new Socket({ fd: descriptor, readable: true, writable: false });
  for await (const chunk of reader as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function runtimeFailure({ kind, program }: Runtime, state: string): TsbuildError {
  return new TsbuildError('SANDBOX_FAILED', `cannot start the step by "${program}": ${state}`, {
    details: { what: `start the step by ${kind}`, code: state },
  });
}
