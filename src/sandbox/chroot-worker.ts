import { bytesOfText } from '../support/byte-string.js';
import { exitOf } from '../support/child-process.js';
import { encodeError, TsbuildError } from '../support/errors.js';
import {
  changeDirectoryTo,
  changeRoot,
  closeDescriptor,
  closeOnExecFrom,
  prctl,
  reapChild,
} from '../support/syscalls.js';
import { applyLimit } from './limits.js';
import { attempt, setupFailure } from './attempt.js';
import { CAP_SYS_ADMIN, CAP_SYS_CHROOT, DEFAULT_CAPABILITY_SET } from './capabilities.js';
import { CHROOT_STDIO, type ChrootJob, type ChrootMessage } from './chroot-job.js';
import { openDirectory, openExisting } from './mounts/rooted.js';
import { currentRights, dropPrivileges } from './privileges.js';
import { startProgram } from './start-program.js';

// A process that changes its root, starts one program there, and adopts what that leaves behind. It is one of its own because
// threads share their root, and a container that forbids namespaces forbids a thread to stop sharing it (unshare(2)).

const PR_SET_CHILD_SUBREAPER = 36;

function post(message: ChrootMessage): void {
  process.send?.(message);
}

process.once('message', (job: ChrootJob) => void work(job));
let program: number | undefined;
// The builder is gone: nobody waits for the step any more.
process.once('disconnect', () => {
  if (program !== undefined) process.kill(-program, 'SIGKILL');
  process.exit(1);
});

async function work(job: ChrootJob): Promise<void> {
  try {
    await run(job);
  } catch (error) {
    if (!(error instanceof TsbuildError)) throw error;
    post({ type: 'failed', error: encodeError(error) });
  }
}

async function run({ spec, root, filter }: ChrootJob): Promise<void> {
  const rights = currentRights();
  closeOnExecFrom(3);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  enterRoot(root, spec.cwd);
  for (const limit of spec.limits) applyLimit(limit);
  // Without CAP_SYS_CHROOT there is no second chroot, which is the way out of the first.
  const capabilities = DEFAULT_CAPABILITY_SET & ~CAP_SYS_CHROOT;
  const mayFilter = (rights.permitted & CAP_SYS_ADMIN) !== 0n;
  dropPrivileges({ user: spec.user, capabilities, filter: mayFilter ? filter : null }, rights);
  const { stdin, stdout, stderr } = CHROOT_STDIO;
  const result = await startProgram(spec, { stdio: [stdin, stdout, stderr] });
  if (!result.started) {
    const { exitCode, message } = result.program;
    post({ type: 'refused', exitCode, message });
    return;
  }
  program = result.child.pid;
  reapOrphans();
  closeDescriptor(stdout);
  closeDescriptor(stderr);
  post({ type: 'started' });
  const end = await exitOf(result.child);
  program = undefined;
  post({ type: 'ended', ...end });
}

function enterRoot(path: string, cwd: string): void {
  const what = `enter the working directory "${cwd}"`;
  const root = openDirectory(path);
  const options = { symlinks: true, directory: true };
  const directory = attempt(what, () => openExisting(root, bytesOfText(cwd), options));
  if (directory === undefined) throw setupFailure(what, 'ENOENT');
  attempt('change the root', () => {
    changeRoot(path);
  });
  changeDirectoryTo(directory);
  closeDescriptor(directory);
  closeDescriptor(root);
}

/** So that a step which stops a service and waits for it to vanish does not wait for ever. */
function reapOrphans(): void {
  const reap = (): void => {
    while (reapChild(program ?? 0));
  };
  process.on('SIGCHLD', reap);
  reap();
}
