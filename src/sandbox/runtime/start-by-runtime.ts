import { chmodSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { exitOf, spawnProcess } from '../../support/child-process.js';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';
import { closeDescriptor, mount, MS, openPipe } from '../../support/syscalls.js';
import { attempt } from '../attempt.js';
import { DEFAULT_CAPABILITY_SET } from '../capabilities.js';
import { addFile, type Files } from '../mounts/files.js';
import type { Parts } from '../mounts/parts.js';
import type { Rights } from '../privileges.js';
import type { RunSpec } from '../run-spec.js';
import type { StepEnd } from '../step-end.js';
import { bwrapArguments } from './bwrap-arguments.js';
import { bundleConfig } from './oci-bundle.js';
import type { Runtime } from './runtime.js';
import { explainFailure, stepCalls, type NamedCall } from './step-calls.js';
import { parseStepReport, STEP_DESCRIPTORS, stepProgram } from './step-program.js';

export interface RuntimeStart {
  readonly runtime: Runtime;
  readonly spec: RunSpec;
  /** Found in the root file system. */
  readonly program: string;
  /** Where the root file system is mounted, with everything in it. */
  readonly root: string;
  readonly files: Files;
  readonly parts: Parts;
  readonly rights: Rights;
  /** For seccomp(2). */
  readonly filter: Uint8Array;
  readonly stdio: readonly [stdin: number, stdout: number, stderr: number];
  readonly onStarted: () => void;
}

/** Descriptors of a runtime that it does not pass on. */
const FILTER = Math.max(...Object.values(STEP_DESCRIPTORS)) + 1;
const PRESERVED = Object.keys(STEP_DESCRIPTORS).length;
const SELF = `/proc/self/fd/${STEP_DESCRIPTORS.program}`;
const MAX_WORDS = 400;

/**
 * Has a runtime start the step in the mount, network and cgroup namespace of the calling thread. All that the runtime keeps is in
 * a file system that vanishes with the thread; its process, and the step, are in the thread's pid namespace and die with that.
 * @throws `SANDBOX_FAILED` with the runtime's own words
 */
export async function startByRuntime(start: RuntimeStart): Promise<StepEnd> {
  const { spec, files, rights } = start;
  const capabilities = rights.permitted & (spec.privileged ? ~0n : DEFAULT_CAPABILITY_SET);
  const calls = stepCalls({ spec, program: start.program, capabilities, groups: rights.groups });
  const log = addFile(files, 'runtime.log', '');
  const opened = [
    openProgram(files, 'step', stepProgram(process.arch, calls)),
    openSync(log, 'a'),
    openSync(addFile(files, 'filter', start.filter), 'r'),
  ] as const;
  const [program, output, filter] = opened;
  const args = runtimeArguments(start, capabilities);
  const status = openPipe();
  takeProcesses(start.root);
  const [stdin, stdout, stderr] = start.stdio;
  try {
    const runtime = await spawnProcess(start.runtime.program, args, {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      stdio: [stdin, output, output, program, status.write, stdout, stderr, filter],
      detached: true,
    });
    const gone = exitOf(runtime);
    for (const descriptor of [...opened, status.write]) closeDescriptor(descriptor);
    start.onStarted();
    const report = await readAll(status.read);
    return endOf(report, calls, spec) ?? (await gone, refuse(start.runtime, log));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined || error instanceof TsbuildError) throw error;
    throw runtimeFailure(start.runtime, code, error);
  }
}

/** Open, since nothing of these files is in sight of the step. */
function openProgram(files: Files, name: string, content: Uint8Array): number {
  const path = addFile(files, name, content);
  chmodSync(path, 0o555);
  return openSync(path, 'r');
}

function runtimeArguments(start: RuntimeStart, capabilities: bigint): readonly string[] {
  const { runtime, files, spec, root, parts } = start;
  if (runtime.kind === 'bwrap')
    return bwrapArguments({ spec, root, args: [SELF], capabilities, parts, filter: FILTER });
  const [bundle, state] = [join(files.path, 'bundle'), join(files.path, 'state')];
  for (const path of [bundle, state]) mkdirSync(path, { mode: 0o700 });
  const config = bundleConfig({ spec, root, args: [SELF], capabilities, architecture: process.arch });
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  hideCgroups();
  // runc takes it for granted then that it may make no cgroups, and crun does not try.
  const cgroups = runtime.kind === 'runc' ? '--rootless=true' : '--cgroup-manager=disabled';
  return ['--root', state, cgroups, 'run', '--bundle', bundle, `--preserve-fds=${PRESERVED}`, 'step'];
}

/**
 * A runtime does not see how the machine mounts its cgroups: mixed hierarchies are refused by crun, and runc leaves groups behind
 * when it is killed. The step stays in the cgroup of this process.
 */
function hideCgroups(): void {
  const flags = MS.rdonly | MS.nosuid | MS.nodev | MS.noexec;
  attempt('mount "/sys/fs/cgroup" for the runtime', () => {
    mount({ source: 'cgroup', target: '/sys/fs/cgroup', type: 'cgroup2', flags });
  });
}

/**
 * A runtime finds its child by the number that it has in their pid namespace: in the /proc of that, which was made for a step. The
 * step gets another, as the runtime gives it a pid namespace of its own.
 */
function takeProcesses(root: string): void {
  attempt('mount "/proc" for the runtime', () => {
    mount({ source: join(root, 'proc'), target: '/proc', flags: MS.move });
  });
}

async function readAll(descriptor: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const reader = new Socket({ fd: descriptor, readable: true, writable: false });
  for await (const chunk of reader as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** `undefined` when the runtime never came to it. */
function endOf(bytes: Buffer, calls: readonly NamedCall[], spec: RunSpec): StepEnd | undefined {
  const report = parseStepReport(process.arch, bytes);
  if (report.type === 'silent') return undefined;
  if (report.type === 'ended') {
    return { type: 'ended', exitCode: report.exitCode, signal: signalName(report.signalNumber) };
  }
  const call = calls[report.call];
  if (call === undefined) throw new Error('internal error: a step program speaks of a call that it has not');
  const { exitCode, message } = explainFailure(call, report.errno, spec);
  return { type: 'refused', exitCode, message };
}

function signalName(number: number | null): NodeJS.Signals | null {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return (found?.[0] as NodeJS.Signals | undefined) ?? null;
}

function refuse(runtime: Runtime, log: string): never {
  const words = readFileSync(log, 'utf8').trim().split('\n').at(-1) ?? '';
  throw runtimeFailure(runtime, words === '' ? 'it ended without a word' : words.slice(-MAX_WORDS));
}

function runtimeFailure({ kind, program }: Runtime, state: string, cause?: unknown): TsbuildError {
  return new TsbuildError('SANDBOX_FAILED', `cannot start the step by "${program}": ${state}`, {
    cause,
    details: { what: `start the step by ${kind}`, code: state },
  });
}
