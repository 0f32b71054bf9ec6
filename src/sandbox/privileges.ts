import { readFileSync } from 'node:fs';
import { systemErrorCode, TsbuildError } from '../support/errors.js';
import { installSeccompFilter, setFileModeMask, setThreadGroups, setThreadUser } from '../support/syscalls.js';
import { attempt } from './attempt.js';
import { limitCapabilities, permittedCapabilities } from './capabilities.js';
import type { RunSpec } from './run-spec.js';

/** What the calling thread may do before it gives it up; read while /proc still speaks of it. */
export interface Rights {
  readonly permitted: bigint;
  /** Namespaces with a single id were made by giving up setgroups(2) (user_namespaces(7)). */
  readonly groups: 'settable' | 'fixed';
}

export function currentRights(): Rights {
  return {
    permitted: permittedCapabilities(readFileSync('/proc/thread-self/status', 'latin1')),
    groups: readFileSync('/proc/self/setgroups', 'latin1').trim() === 'deny' ? 'fixed' : 'settable',
  };
}

export interface Restriction {
  readonly user: RunSpec['user'];
  readonly capabilities: bigint;
  /** For seccomp(2); `null` where that needs a right that is missing (CAP_SYS_ADMIN, since a step may gain privileges). */
  readonly filter: Uint8Array | null;
}

/**
 * Leaves the calling thread as a step is to be started: no way back. no_new_privs stays off, as in every container builder:
 * `sudo`, `su` and file capabilities work in steps.
 */
export function dropPrivileges({ user, capabilities, filter }: Restriction, rights: Rights): void {
  // Layers must not depend on the umask of the shell that started the build.
  setFileModeMask(0o022);
  attempt('install the seccomp filter', () => {
    if (filter !== null) installSeccompFilter(filter);
  });
  attempt('limit capabilities', () => {
    limitCapabilities(capabilities, rights.permitted);
  });
  try {
    if (rights.groups === 'settable' && user.keepsGroups !== true) setThreadGroups(user.groups);
    setThreadUser(user.uid, user.gid);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    throw cannotBecome(user, code, error);
  }
}

export function cannotBecome({ uid, gid }: RunSpec['user'], code: string, cause?: unknown): TsbuildError {
  const unmapped = code === 'EINVAL';
  return new TsbuildError(
    'SANDBOX_FAILED',
    `cannot run as user ${uid}:${gid}: ${unmapped ? 'there is no such id in this user namespace' : code}`,
    {
      cause,
      hint: unmapped
        ? 'Have the administrator give you ranges of ids in /etc/subuid and /etc/subgid (usermod --add-subuids), and install newuidmap.'
        : undefined,
    },
  );
}
