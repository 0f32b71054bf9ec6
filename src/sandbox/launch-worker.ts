import { existsSync, readdirSync } from 'node:fs';
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
  MS,
  pivotRoot,
  setFileModeMask,
  setHostname,
  threadId,
  unmount,
  unshare,
} from '../support/syscalls.js';
import { attempt, setupFailure } from './attempt.js';
import { DEFAULT_CAPABILITY_SET } from './capabilities.js';
import type { LaunchJob, LaunchMessage, LaunchSetting, ProbeJob, RunJob } from './launch-job.js';
import { mountDevices, unlessImpossible } from './mounts/devices.js';
import { mountSys, protectKernelFiles } from './mounts/kernel-files.js';
import { probeOverlay } from './mounts/overlay-probe.js';
import { bindSealedFile, mountRequested } from './mounts/requested.js';
import { mountRoot } from './mounts/root-file-system.js';
import { openDirectory, openExisting, openSystemTarget, type Root } from './mounts/rooted.js';
import { addFile, mountScratch, sealScratch, type Scratch } from './mounts/scratch.js';
import { currentRights, dropPrivileges } from './privileges.js';
import { startInit, type Init } from './start-init.js';
import { startProgram } from './start-program.js';

// A thread that becomes a sandbox. The kernel's threads have namespaces, root, capabilities and seccomp filter of their own, and a
// program is born with those of the thread that starts it. The thread never gets anything back, and ends with the step.

const setting = workerData as LaunchSetting;
const rootPath = join(setting.directory, 'root');

function post(message: LaunchMessage): void {
  parentPort?.postMessage(message);
}

parentPort?.once('message', (job: LaunchJob) => void launch(job));
post({ type: 'ready', thread: threadId() });

async function launch(job: LaunchJob): Promise<void> {
  let init: Init | undefined;
  const keepInit = (started: Init): void => {
    init = started;
  };
  try {
    await (job.kind === 'probe' ? probe(job, keepInit) : run(job, keepInit));
  } catch (error) {
    if (!(error instanceof TsbuildError)) throw error;
    post({ type: 'failed', error: encodeError(error) });
  }
  // The other side closes the pipe, now or when it is told to stop.
  await init?.gone;
  post({ type: 'gone' });
}

type InitListener = (init: Init) => void;

async function probe(job: ProbeJob, onInit: InitListener): Promise<void> {
  isolate('none');
  const scratch = mountScratch(join(setting.directory, 'scratch'));
  const overlay = probeOverlay({ ...job, scratch, target: rootPath, directory: job.overlayDirectory });
  mount({ source: 'probe', target: rootPath, type: 'tmpfs' });
  const root: Root = { descriptor: openDirectory(rootPath), stubs: [] };
  onInit(await mountSystem(root, scratch, job.control));
  attempt('change the root', enterRoot);
  post({ type: 'probed', overlay });
}

async function run(job: RunJob, onInit: InitListener): Promise<void> {
  const { spec } = job;
  const rights = currentRights();
  isolate(spec.network);
  attempt('set the host name', () => {
    setHostname(spec.hostname);
  });
  const scratch = prepareScratch(job);
  mountRoot(spec.rootfs, rootPath, { scratch, overlay: job.overlay });
  const root: Root = { descriptor: openDirectory(rootPath), stubs: [] };
  try {
    onInit(await mountSystem(root, scratch, job.control));
    bindSealedFile(root, scratch.hosts, '/etc/hosts');
    bindSealedFile(root, scratch.resolvConf, '/etc/resolv.conf');
    mountRequested(root, spec.mounts);
    const directory = openWorkingDirectory(root, spec.cwd);
    attempt('change the root', enterRoot);
    changeDirectoryTo(directory);
    closeDescriptor(directory);
  } finally {
    closeDescriptor(root.descriptor);
    post({ type: 'stubs', stubs: root.stubs });
  }
  dropPrivileges({ user: spec.user, capabilities: DEFAULT_CAPABILITY_SET, filter: setting.filter }, rights);
  await runProgram(job);
}

function isolate(network: 'none' | 'host'): void {
  keepDescriptors();
  const cgroup = existsSync('/proc/self/ns/cgroup') ? CLONE.newcgroup : 0;
  const net = network === 'none' ? CLONE.newnet : 0;
  attempt('make namespaces', () => {
    unshare(CLONE.newns | CLONE.newpid | CLONE.newipc | CLONE.newuts | cgroup | net);
    mount({ source: null, target: '/', flags: MS.rec | MS.private });
  });
  // Root of a container may lack CAP_NET_ADMIN: the device is there then, and down.
  if (network === 'none') unlessImpossible(bringLoopbackUp);
  // Of this thread alone, since its mount namespace is: everything made below has the mode it is made with.
  setFileModeMask(0);
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

interface FilledScratch extends Scratch {
  readonly hosts: string;
  readonly resolvConf: string;
}

function prepareScratch({ network }: RunJob): FilledScratch {
  const scratch = mountScratch(join(setting.directory, 'scratch'));
  return {
    ...scratch,
    hosts: addFile(scratch, 'hosts', network.hosts),
    resolvConf: addFile(scratch, 'resolv.conf', network.resolvConf),
  };
}

/** What every step has, whatever its image: /dev, /sys and /proc, the last through process 1. */
async function mountSystem(root: Root, scratch: Scratch, control: number): Promise<Init> {
  sealScratch(scratch);
  attempt('mount "/dev"', () => {
    mountDevices(root, scratch);
  });
  attempt('mount "/sys"', () => {
    mountSys(root);
  });
  closeDescriptor(openSystemTarget(root, '/proc'));
  changeDirectory(rootPath);
  const init = await startInit(join(setting.directory, 'init'), control);
  attempt('protect "/proc" and "/sys"', () => {
    protectKernelFiles(root, scratch);
  });
  return init;
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

async function runProgram({ spec, stdin, stdout, stderr }: RunJob): Promise<void> {
  const result = await startProgram(spec, [stdin, stdout, stderr]);
  if (!result.started) {
    const { exitCode, message } = result.program;
    post({ type: 'refused', exitCode, message });
    return;
  }
  post({ type: 'started' });
  post({ type: 'ended', ...(await exitOf(result.child)) });
}
