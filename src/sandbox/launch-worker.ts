import { chmodSync, existsSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { bytesOfText } from '../support/byte-string.js';
import { exitOf } from '../support/child-process.js';
import { encodeError, systemErrorCode, TsbuildError } from '../support/errors.js';
import {
  bringLoopbackUp,
  changeDirectory,
  changeDirectoryTo,
  CLONE,
  closeDescriptor,
  closeOnExec,
  closeOnExecFrom,
  mount,
  MOUNT_ATTRIBUTE,
  MS,
  pivotRoot,
  setFileModeMask,
  setHostname,
  threadId,
  unmount,
  unshare,
} from '../support/syscalls.js';
import { openPseudoTerminal } from '../support/pseudo-terminal.js';
import { attempt, setupFailure } from './attempt.js';
import { DEFAULT_CAPABILITY_SET } from './capabilities.js';
import type { LaunchData, LaunchJob, LaunchMessage, ProbeJob, RunJob } from './launch-job.js';
import { limitProgram } from './limit-program.js';
import { addAttributes } from './mounts/attributes.js';
import { mountDevices, unlessImpossible } from './mounts/devices.js';
import { privilegedDevices, unprotect } from './mounts/privileged.js';
import { addFile, mountFiles, type Files } from './mounts/files.js';
import { mountSys, protectProc } from './mounts/kernel-files.js';
import { probeOverlay } from './mounts/overlay-probe.js';
import { mountParts, moveInto, type Parts } from './mounts/parts.js';
import { bindFile, mountRequested } from './mounts/requested.js';
import { mountRoot } from './mounts/root-file-system.js';
import { openDirectory, openExisting, type Root } from './mounts/rooted.js';
import { currentRights, dropPrivileges, type Rights } from './privileges.js';
import type { RunSpec } from './run-spec.js';
import { startInit, type Init } from './start-init.js';
import { startProgram } from './start-program.js';

// A thread that becomes a sandbox. The kernel's threads have namespaces, root, capabilities and seccomp filter of their own, and a
// program is born with those of the thread that starts it. The thread never gets anything back, and ends with the step.

const data = workerData as LaunchData;
const rootPath = join(data.directory, 'root');

function post(message: LaunchMessage): void {
  parentPort?.postMessage(message);
}

void main();

async function main(): Promise<void> {
  post({ type: 'thread', thread: threadId() });
  const prepared = await reporting(prepare);
  if (prepared !== undefined) {
    post({ type: 'ready' });
    // None comes to a thread that is not wanted any more.
    const job = await Promise.race([nextJob(), init?.gone.then(() => undefined)]);
    if (job !== undefined) await reporting(() => (job.kind === 'probe' ? probe(job, prepared) : run(job, prepared)));
  }
  // The other side closes the pipe, now or when it is told to stop.
  await init?.gone;
  post({ type: 'gone' });
}

function nextJob(): Promise<LaunchJob> {
  return new Promise((resolve) => parentPort?.once('message', resolve));
}

async function reporting<T>(act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    post({ type: 'failed', error: encodeError(asFailure(error)) });
    return undefined;
  }
}

function asFailure(error: unknown): TsbuildError {
  const code = systemErrorCode(error);
  if (error instanceof TsbuildError) return error;
  if (!(error instanceof Error) || code === undefined) throw error;
  return setupFailure('set up the sandbox', error.message, error);
}

interface Prepared {
  readonly rights: Rights;
  readonly parts: Parts;
}

let init: Init | undefined;

/** What needs no knowledge of the step, while there is time: half of the work. */
async function prepare(): Promise<Prepared> {
  const rights = currentRights();
  keepDescriptors();
  const cgroup = existsSync('/proc/self/ns/cgroup') ? CLONE.newcgroup : 0;
  attempt('make namespaces', () => {
    unshare(CLONE.newns | CLONE.newpid | CLONE.newipc | CLONE.newuts | cgroup);
    // Until the step comes, what is mounted on the machine is mounted here too; nothing goes the other way.
    mount({ source: null, target: '/', flags: MS.rec | MS.slave });
  });
  // Of this thread alone, since its mount namespace is: everything made below has the mode it is made with.
  setFileModeMask(0);
  const parts = mountParts(join(data.directory, 'parts'));
  const root: Root = { descriptor: openDirectory(parts.path), stubs: [] };
  attempt('mount "/dev"', () => {
    mountDevices(root, parts);
  });
  changeDirectory(parts.path);
  init = await startInit(join(data.directory, 'init'), data.control);
  attempt('protect "/proc"', () => {
    protectProc(root, parts);
  });
  closeDescriptor(root.descriptor);
  return { rights, parts };
}

async function probe(job: ProbeJob, { parts }: Prepared): Promise<void> {
  separate('none');
  const files = mountFiles(join(data.directory, 'files'));
  const overlay = probeOverlay({ ...job, files, target: rootPath, directory: job.overlayDirectory });
  mount({ source: 'probe', target: rootPath, type: 'tmpfs' });
  const root: Root = { descriptor: openDirectory(rootPath), stubs: [] };
  mountSystem(root, parts, { privileged: false });
  attempt('change the root', enterRoot);
  post({ type: 'probed', overlay });
  return Promise.resolve();
}

async function run(job: RunJob, { parts, rights }: Prepared): Promise<void> {
  const { spec, network } = job;
  separate(spec.network);
  attempt('set the host name', () => {
    setHostname(spec.hostname);
  });
  const files = mountFiles(join(data.directory, 'files'));
  mountRoot(spec.rootfs, rootPath, { files, overlay: job.overlay, devices: spec.privileged });
  const root: Root = { descriptor: openDirectory(rootPath), stubs: [] };
  const terminal = openTerminal(job, parts);
  const limiter = openLimiter(files, spec.limits, { terminal: terminal !== undefined });
  const supplies = { files, overlay: job.overlay, nodes: parts.nodes };
  try {
    if (spec.privileged)
      attempt('open "/proc" and "/dev"', () => {
        unprotect(parts);
      });
    mountSystem(root, parts, spec);
    bindFile(root, addFile(files, 'hosts', network.hosts), '/etc/hosts');
    bindFile(root, addFile(files, 'resolv.conf', network.resolvConf), '/etc/resolv.conf');
    if (spec.privileged) mountRequested(root, privilegedDevices(), supplies);
    mountRequested(root, spec.mounts, supplies);
    if (spec.readonlyRoot === true) addAttributes(rootPath, MOUNT_ATTRIBUTE.rdonly, { recursive: false });
    const directory = openWorkingDirectory(root, spec.cwd);
    attempt('change the root', enterRoot);
    changeDirectoryTo(directory);
    closeDescriptor(directory);
  } finally {
    closeDescriptor(root.descriptor);
    post({ type: 'stubs', stubs: root.stubs });
  }
  const restriction = spec.privileged
    ? { capabilities: rights.permitted, filter: null }
    : { capabilities: DEFAULT_CAPABILITY_SET, filter: data.filter };
  dropPrivileges({ user: spec.user, ...restriction }, rights);
  await runProgram(
    terminal === undefined ? job : { ...job, stdin: terminal, stdout: terminal, stderr: terminal },
    limiter,
  );
}

/** While the step's /dev is known by our own path: the program may have anything mounted there. */
function openTerminal({ spec, terminal: size }: RunJob, { path }: Parts): number | undefined {
  if (size === undefined) return undefined;
  const { uid } = spec.user;
  const opened = attempt('open a terminal', () => openPseudoTerminal(join(path, 'dev/pts/ptmx'), { uid, size }));
  post({ type: 'terminal', control: opened.control });
  return opened.terminal;
}

/** Open, since nothing of these files is in sight once the root is changed. */
function openLimiter(
  files: Files,
  limits: RunSpec['limits'],
  options: { readonly terminal: boolean },
): number | undefined {
  if (limits.length === 0 && !options.terminal) return undefined;
  const path = addFile(files, 'limits', limitProgram(process.arch, limits, options));
  chmodSync(path, 0o555);
  return openSync(path, 'r');
}

/** The last ties: to what will be mounted on the machine from now on, to its network. */
function separate(network: 'none' | 'host'): void {
  keepDescriptors();
  attempt('make namespaces', () => {
    mount({ source: null, target: '/', flags: MS.rec | MS.private });
    if (network === 'none') unshare(CLONE.newnet);
  });
  // Root of a container may lack CAP_NET_ADMIN: the device is there then, and down.
  if (network === 'none') unlessImpossible(bringLoopbackUp);
}

/** Nothing that this process was started with, or a library opened, is to be seen by a step (CVE-2024-21626). */
function keepDescriptors(): void {
  try {
    closeOnExecFrom(3);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    for (const name of readdirSync('/proc/self/fd')) keepDescriptor(Number(name));
  }
}

function keepDescriptor(descriptor: number): void {
  try {
    if (descriptor > 2) closeOnExec(descriptor);
  } catch (error) {
    // The listing's own descriptor is closed by now.
    if (systemErrorCode(error) !== 'EBADF') throw error;
  }
}

/** /sys shows the network namespace that it is mounted in, and so is not made ahead. */
function mountSystem(root: Root, parts: Parts, { privileged }: Pick<RunSpec, 'privileged'>): void {
  attempt('mount "/dev"', () => {
    moveInto(root, parts, 'dev');
  });
  attempt('mount "/sys"', () => {
    mountSys(root, parts, { writable: privileged });
  });
  attempt('mount "/proc"', () => {
    moveInto(root, parts, 'proc');
  });
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
function enterRoot(): void {
  changeDirectory(rootPath);
  pivotRoot('.', '.');
  unmount('.');
  changeDirectory('/');
}

async function runProgram(job: RunJob, limiter: number | undefined): Promise<void> {
  const { spec, stdin, stdout, stderr } = job;
  const result = await startProgram(spec, { stdio: [stdin, stdout, stderr], limiter });
  if (limiter !== undefined) closeDescriptor(limiter);
  // As long as it is open here, the terminal is in use.
  if (job.terminal !== undefined) closeDescriptor(stdin);
  if (!result.started) {
    const { exitCode, message } = result.program;
    post({ type: 'refused', exitCode, message });
    return;
  }
  post({ type: 'started', pid: result.child.pid ?? 0 });
  post({ type: 'ended', ...(await exitOf(result.child)) });
}
