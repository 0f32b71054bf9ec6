import { systemErrorCode } from '../support/errors.js';
import { prctl, setCapabilities } from '../support/syscalls.js';

/** Docker's default capabilities (moby, oci/caps/defaults.go), by their numbers in linux/capability.h. */
const DEFAULT_CAPABILITIES: Readonly<Record<string, number>> = {
  CAP_CHOWN: 0,
  CAP_DAC_OVERRIDE: 1,
  CAP_FOWNER: 3,
  CAP_FSETID: 4,
  CAP_KILL: 5,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_SETPCAP: 8,
  CAP_NET_BIND_SERVICE: 10,
  CAP_NET_RAW: 13,
  CAP_SYS_CHROOT: 18,
  CAP_MKNOD: 27,
  CAP_AUDIT_WRITE: 29,
  CAP_SETFCAP: 31,
};

const bit = (number: number): bigint => 1n << BigInt(number);

export const DEFAULT_CAPABILITY_SET: bigint = Object.values(DEFAULT_CAPABILITIES).reduce((set, n) => set | bit(n), 0n);
export const CAP_SYS_CHROOT: bigint = bit(18);
export const CAP_SYS_ADMIN: bigint = bit(21);

export const PR_CAPBSET_DROP = 24;
export const PR_CAP_AMBIENT = 47;
export const PR_CAP_AMBIENT_CLEAR_ALL = 4;
export const MAX_CAPABILITIES = 64;

/**
 * Leaves the calling thread `wanted`, as far as it has them, and what it starts no more than that. Inheritable and ambient are
 * empty: a program of the image with file capabilities must not gain any by them (CVE-2022-27651).
 */
export function limitCapabilities(wanted: bigint, permitted: bigint): void {
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
  for (let capability = 0; capability < MAX_CAPABILITIES; capability += 1) {
    if ((wanted & bit(capability)) === 0n && !dropFromBounds(capability)) break;
  }
  setCapabilities({ effective: wanted & permitted, permitted: wanted & permitted, inheritable: 0n });
}

/** False when the kernel has no capability of that number, and so none of a higher one. */
function dropFromBounds(capability: number): boolean {
  try {
    prctl(PR_CAPBSET_DROP, capability);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EINVAL') return false;
    throw error;
  }
}

/** The permitted set in the text of a /proc/…/status. */
export function permittedCapabilities(status: string): bigint {
  const digits = /^CapPrm:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return digits === undefined ? 0n : BigInt(`0x${digits}`);
}
