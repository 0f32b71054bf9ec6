import { elfProgram, type Machine } from './elf-program.js';
import type { ResourceLimit } from './run-spec.js';

/**
 * A program that sets limits and becomes another, as a complete ELF file of some 300 bytes: limits are a whole process's, so that
 * the builder cannot set them in a thread of its own, and an image need not have a shell that could. It is started with the path
 * of the other program as its name and the arguments of that one, its name included, as its own. It does:
 *
 *     ioctl(0, TIOCSCTTY, 0)  with a terminal: only a session's own first process can give it one (ioctl_tty(2))
 *     for each of the table:  prlimit64(0, resource, limit, NULL)
 *     execve(argv[0], argv + 1, envp)
 *     exit_group(126)         when one of them failed
 */
export function limitProgram(
  architecture: string,
  limits: readonly ResourceLimit[],
  { terminal }: { readonly terminal: boolean } = { terminal: false },
): Uint8Array {
  const machine = MACHINES[architecture];
  if (machine === undefined) throw new Error(`no limit program for ${architecture}`);
  const table = Buffer.alloc(8 + limits.length * 24);
  table.writeBigUInt64LE(BigInt(limits.length), 0);
  limits.forEach(({ name, soft, hard }, index) => {
    const entry = [BigInt(RESOURCES.indexOf(name)), limitValue(soft), limitValue(hard)];
    entry.forEach((value, field) => table.writeBigUInt64LE(value, 8 + index * 24 + field * 8));
  });
  const { elfMachine, code, takeTerminal } = machine;
  return elfProgram({ elfMachine, code: terminal ? takeTerminal + code : code }, table);
}

/** In the order of their numbers (asm-generic/resource.h). */
export const RESOURCES: readonly string[] = [
  ...['cpu', 'fsize', 'data', 'stack', 'core', 'rss', 'nproc', 'nofile'],
  ...['memlock', 'as', 'locks', 'sigpending', 'msgqueue', 'nice', 'rtprio', 'rttime'],
];

/** RLIM_INFINITY is all ones. */
export function limitValue(limit: number): bigint {
  return limit === Infinity ? 0xffff_ffff_ffff_ffffn : BigInt(limit);
}

/** A program without a terminal of its own works as well: what cannot be taken is done without. */
interface PreparingMachine extends Machine {
  /** Comes before the rest. */
  readonly takeTerminal: string;
}

const MACHINES: Readonly<Record<string, PreparingMachine>> = {
  x64: {
    elfMachine: 62,
    takeTerminal: `
    31ff               # xor edi, edi
    be0e540000         # mov esi, 0x540e (TIOCSCTTY)
    31d2               # xor edx, edx
    b810000000         # mov eax, 16 (ioctl)
    0f05               # syscall`,
    code: `
    488d1d57000000     # lea rbx, [rip + table]
    4c8b23             # mov r12, [rbx]
    4883c308           # add rbx, 8
    4d85e4             # next: test r12, r12
    7420               # jz run
    31ff               # xor edi, edi
    488b33             # mov rsi, [rbx]
    488d5308           # lea rdx, [rbx + 8]
    4531d2             # xor r10d, r10d
    b82e010000         # mov eax, 302 (prlimit64)
    0f05               # syscall
    85c0               # test eax, eax
    7823               # js fail
    4883c318           # add rbx, 24
    49ffcc             # dec r12
    ebdb               # jmp next
    488b7c2408         # run: mov rdi, [rsp + 8]
    488d742410         # lea rsi, [rsp + 16]
    488b0424           # mov rax, [rsp]
    488d54c410         # lea rdx, [rsp + rax*8 + 16]
    b83b000000         # mov eax, 59 (execve)
    0f05               # syscall
    bf7e000000         # fail: mov edi, 126
    b8e7000000         # mov eax, 231 (exit_group)
    0f05               # syscall
    90                 # nop
    90                 # nop
    90                 # nop
    90                 # nop
    90                 # nop`,
  },
  arm64: {
    elfMachine: 183,
    takeTerminal: `
    e0031faa           # mov x0, xzr
    c1818ad2           # mov x1, 0x540e (TIOCSCTTY)
    e2031faa           # mov x2, xzr
    a80380d2           # mov x8, 29 (ioctl)
    010000d4           # svc 0
    1f2003d5           # nop: what follows is aligned to 8 bytes`,
    code: `
    13030010           # adr x19, table
    748640f8           # ldr x20, [x19], 8
    740100b4           # next: cbz x20, run
    e0031faa           # mov x0, xzr
    610240f9           # ldr x1, [x19]
    62220091           # add x2, x19, 8
    e3031faa           # mov x3, xzr
    a82080d2           # mov x8, 261 (prlimit64)
    010000d4           # svc 0
    6001f8b7           # tbnz x0, 63, fail
    73620091           # add x19, x19, 24
    940600d1           # sub x20, x20, 1
    f6ffff17           # b next
    e00740f9           # run: ldr x0, [sp, 8]
    e1430091           # add x1, sp, 16
    e90340f9           # ldr x9, [sp]
    e26f298b           # add x2, sp, x9, lsl 3
    42400091           # add x2, x2, 16
    a81b80d2           # mov x8, 221 (execve)
    010000d4           # svc 0
    c00f80d2           # fail: mov x0, 126
    c80b80d2           # mov x8, 94 (exit_group)
    010000d4           # svc 0
    1f2003d5           # nop`,
  },
};
