import { readFileSync } from 'node:fs';
import { TsbuildError } from '../../support/errors.js';
import { permittedCapabilities } from './capabilities.js';
import type { RunSpec } from '../run-spec.js';

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

export function cannotBecome({ uid, gid }: RunSpec['user'], code: string): TsbuildError {
  const unmapped = code === 'EINVAL';
  return new TsbuildError(
    'SANDBOX_FAILED',
    `cannot run as user ${uid}:${gid}: ${unmapped ? 'there is no such id in this user namespace' : code}`,
    {
      hint: unmapped
        ? 'Have the administrator give you ranges of ids in /etc/subuid and /etc/subgid (usermod --add-subuids), and install newuidmap.'
        : undefined,
    },
  );
}
