import { always, type Cause } from '../cause.js';
import { isRoot, type FailedRun } from '../failed-run.js';
import { ID_COMPLAINT } from '../id-complaint.js';

/** What a step may do, and whose files are whose. */
export const RIGHTS_CAUSES: readonly Cause[] = [
  {
    pattern: /sudo: (?:command )?not found|exec: "sudo"/,
    advice: (failed) =>
      isRoot(failed)
        ? 'Leave out sudo: the step runs as root already.'
        : 'Leave out sudo: write USER root above the step, and the user again below.',
  },
  {
    pattern: /sudo: (?:a terminal is required|a password is required|no tty present)/,
    advice: always(
      'Leave out sudo, which asks for a password: write USER root above the step, and the user again below.',
    ),
  },
  { pattern: ID_COMPLAINT, advice: otherIds },
  {
    pattern:
      /are you root\?|Could not open lock file|must be (?:run as )?root|superuser privileges|Unable to lock database: Permission denied|requires root|This command has to be run (?:as|with) (?:root|superuser)|you cannot perform this operation unless you are root/i,
    advice: asAnotherUser,
  },
  {
    pattern: /(\/(?:proc|sys)\/[\w./-]*)['"’]?: (?:Read-only file system|Permission denied)/,
    advice: (_, [, path = '']) =>
      `Files of the kernel such as "${path}" cannot be written to in a step: do it where the image is run, as with sysctls of the container.`,
  },
  {
    pattern: /Read-only file system|\bEROFS\b/i,
    advice: always(
      'What was to be written to is mounted for reading: let RUN --mount=type=bind,…,rw throw away what is written there, or write somewhere else.',
    ),
  },
  {
    pattern:
      /^mount: .*(?:permission denied|must be superuser|Operation not permitted)|(?:mknod|mkfifo|setcap|unshare|chroot|losetup|iptables)\b.*(?:Operation not permitted|Permission denied)|Failed to set capabilities|(?:Operation not permitted|Permission denied).*\bmknod\b/im,
    advice: always(
      'Steps may not do that to the machine: where it is needed, give the step more rights with RUN --security=insecure and --allow security.insecure, as root.',
    ),
  },
  {
    pattern: /Cannot connect to the Docker daemon|docker\.sock: connect: /,
    advice: always(
      'There is no Docker daemon in a step: what is built in stages of this Dockerfile can be had with COPY --from, and tests of containers belong after the build.',
    ),
  },
  {
    pattern: /dubious ownership in repository at '([^'\n]{1,200})'/,
    advice: (_, [, folder = '']) =>
      `The repository belongs to somebody else than the user of the step: run "git config --global --add safe.directory ${folder}" before, or COPY it with --chown.`,
  },
  {
    pattern: /Permission denied(?! \(publickey)|\bEACCES\b/i,
    advice: (failed, match) => (isRoot(failed) || isStart(failed, match) ? undefined : otherOwner(failed)),
  },
];

function otherIds(failed: FailedRun, [match]: RegExpExecArray): string {
  if (!isRoot(failed)) {
    return `The step runs as user "${failed.user}", who may not change owners: write USER root above it, or COPY with --chown.`;
  }
  const limit =
    'The step wanted to take on, or to give a file to, a user or group that there is not in its user namespace: there are as many as the ranges in /etc/subuid and /etc/subgid give to whoever builds';
  // apt becomes _apt to download.
  return match.startsWith('set')
    ? `${limit}; without them, apt works for most packages with -o APT::Sandbox::User=root.`
    : `${limit}.`;
}

function asAnotherUser(failed: FailedRun): string | undefined {
  if (isRoot(failed)) return undefined;
  return `The step runs as user "${failed.user}": write USER root above it, and the user again below.`;
}

/** A file that cannot be started is another matter. */
function isStart({ result, tail }: FailedRun, { index }: RegExpExecArray): boolean {
  const line = tail.slice(tail.lastIndexOf('\n', index) + 1, index);
  const isShell = /^(?:\/bin\/)?(?:ba|da|a|z)?sh: |^exec: /.test(line);
  return isShell && result.outcome === 'exited' && result.exitCode === 126;
}

function otherOwner({ user }: FailedRun): string {
  return `The step runs as user "${user}", to whom the file or folder does not belong: COPY it with --chown=${user}, make it with "chown ${user}" before USER, or write USER root above the step.`;
}
