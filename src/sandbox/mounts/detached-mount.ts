import { closeDescriptor, invoke } from '../../support/syscalls.js';
import type { MountWithOptions } from '../calls/kernel-calls.js';

/** These have one number on every architecture (Linux 5.2). */
const [FSOPEN, FSCONFIG, FSMOUNT] = [430, 431, 432];
/** FSOPEN_CLOEXEC and FSMOUNT_CLOEXEC. */
const CLOEXEC = 1;
const [SET_FLAG, SET_STRING, CREATE] = [0, 1, 6];

/**
 * A mount of this process's that is attached nowhere: it lives in an anonymous mount namespace, which nobody sees, as long as its
 * descriptor is open (fsmount(2)), however this process ends.
 * @returns the descriptor, for the caller to close
 * @throws a system error
 */
export function mountDetached({ type, options, attributes }: Omit<MountWithOptions, 'target'>): number {
  const context = invoke('long syscall(long, const char *, long)', type, [FSOPEN, type, CLOEXEC]);
  try {
    for (const [name, value] of options) {
      const [command, argument] = value === true ? [SET_FLAG, null] : [SET_STRING, value];
      configure(context, command, [name, argument]);
    }
    configure(context, CREATE, [null, null]);
    return invoke('long syscall(long, long, long, long)', type, [FSMOUNT, context, CLOEXEC, attributes]);
  } finally {
    closeDescriptor(context);
  }
}

function configure(
  context: number,
  command: number,
  [name, value]: readonly [name: string | null, value: string | null],
): void {
  const signature = 'long syscall(long, long, long, const char *, const char *, long)';
  invoke(signature, value ?? name ?? '', [FSCONFIG, context, command, name, value, 0]);
}
