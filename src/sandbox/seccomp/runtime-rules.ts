import { NEW_NAMESPACES, PERSONALITIES, REFUSED_SOCKET_FAMILIES } from './conditions.js';
import { syscallNames } from './syscall-table.js';

/** `linux.seccomp` of a runtime's configuration (runtime-spec, config-linux.md). */
export interface RuntimeSeccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly RuntimeRule[];
}

interface RuntimeRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly RuntimeCondition[];
}

interface RuntimeCondition {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: string;
}

const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
};

const EPERM = 1;
const ENOSYS = 38;
const ALLOW = 'SCMP_ACT_ALLOW';
/** AF_MAX of linux/socket.h; the kernel knows no family beyond. */
const SOCKET_FAMILIES = 46;
const CONDITIONAL = ['clone', 'clone3', 'socket', 'personality'];

/**
 * The rules of `dockerSeccompFilter` for a runtime, which makes its own filter of them with libseccomp. That compares 64 bits where
 * the kernel takes 32 (`socket`), so that conditions name the bits. Names that a library does not know yet are left out by it, and
 * so refused.
 */
export function runtimeSeccomp(architecture: string): RuntimeSeccomp {
  const unconditional = syscallNames().filter((name) => !CONDITIONAL.includes(name));
  const families = [...new Array(SOCKET_FAMILIES).keys()].filter((n) => !REFUSED_SOCKET_FAMILIES.includes(n));
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    architectures: ARCHITECTURES[architecture] ?? [],
    syscalls: [
      { names: unconditional, action: ALLOW },
      { names: ['clone'], action: ALLOW, args: [masked(NEW_NAMESPACES, 0)] },
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
      ...families.map((n) => ({ names: ['socket'], action: ALLOW, args: [masked(0xffffffff, n)] })),
      ...PERSONALITIES.map((n) => ({ names: ['personality'], action: ALLOW, args: [masked(0xffffffff, n)] })),
    ],
  };
}

/** Of the first argument, the bits of `mask` are `value`. */
function masked(mask: number, value: number): RuntimeCondition {
  return { index: 0, value: mask, valueTwo: value, op: 'SCMP_CMP_MASKED_EQ' };
}
