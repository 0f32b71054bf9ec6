/** By their numbers in linux/capability.h. */
const CAPABILITIES: readonly string[] = [
  ...['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP'],
  ...['LINUX_IMMUTABLE', 'NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER'],
  ...['SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE'],
  ...['SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD', 'LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP'],
  ...['MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF'],
  'CHECKPOINT_RESTORE',
];

/** Docker's default capabilities (moby, oci/caps/defaults.go). */
const DEFAULT_CAPABILITIES: readonly string[] = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'NET_BIND_SERVICE'],
  ...['NET_RAW', 'SYS_CHROOT', 'MKNOD', 'AUDIT_WRITE', 'SETFCAP'],
];

const bit = (number: number): bigint => 1n << BigInt(number);

const named = (name: string): bigint => bit(CAPABILITIES.indexOf(name));

export const DEFAULT_CAPABILITY_SET: bigint = DEFAULT_CAPABILITIES.reduce((set, name) => set | named(name), 0n);
export const CAP_SYS_CHROOT: bigint = named('SYS_CHROOT');
export const CAP_SYS_ADMIN: bigint = named('SYS_ADMIN');

/** Those of a set that have a name, as `CAP_CHOWN`. */
export function capabilityNames(set: bigint): readonly string[] {
  return CAPABILITIES.filter((name) => (set & named(name)) !== 0n).map((name) => `CAP_${name}`);
}

export const PR_CAPBSET_DROP = 24;
export const PR_CAP_AMBIENT = 47;
export const PR_CAP_AMBIENT_CLEAR_ALL = 4;
export const MAX_CAPABILITIES = 64;

/** The permitted set in the text of a /proc/…/status. */
export function permittedCapabilities(status: string): bigint {
  const digits = /^CapPrm:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return digits === undefined ? 0n : BigInt(`0x${digits}`);
}
