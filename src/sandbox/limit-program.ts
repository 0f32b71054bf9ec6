import { dataAddress, elfProgram, type Machine } from './elf-program.js';
import type { ResourceLimit } from './run-spec.js';

/**
 * A program that makes a few system calls and becomes another, as a complete ELF file of some 300 bytes: limits and cgroups are a
 * whole process's, so that the builder cannot set them in a thread of its own, and an image need not have a shell that could. It is
 * started with the path of the other program as its name and the arguments of that one, its name included, as its own. It does:
 *
 *     for each of `entrances`:  write(entrance, "0", 1); close(entrance)
 *     for each of `limits`:     prlimit64(0, resource, limit, NULL)
 *     execve(argv[0], argv + 1, envp)
 *     exit_group(126)           when one of them failed
 *
 * @param entrances descriptors that it is started with, of files `cgroup.procs`
 */
export function limitProgram(
  architecture: string,
  limits: readonly ResourceLimit[],
  entrances: readonly number[] = [],
): Uint8Array {
  const machine = MACHINES[architecture];
  if (machine === undefined) throw new Error(`no limit program for ${architecture}`);
  const { write, close, prlimit64 } = machine.numbers;
  const count = entrances.length * 2 + limits.length;
  // Behind the calls is what they point to.
  const data = dataAddress(machine) + 8 + count * CALL_BYTES;
  const zero = data + limits.length * 16;
  const calls = [
    ...entrances.flatMap((entrance) => [
      [write, entrance, zero, 1],
      [close, entrance, 0, 0],
    ]),
    ...limits.map(({ name }, index) => [prlimit64, 0, RESOURCES.indexOf(name), data + index * 16]),
  ];
  const table = [count, ...calls.flat()].map(BigInt);
  const values = limits.flatMap(({ soft, hard }) => [limitValue(soft), limitValue(hard)]);
  const words = new BigUint64Array([...table, ...values]);
  return elfProgram(machine, Buffer.concat([Buffer.from(words.buffer), Buffer.from('0')]));
}

/** A system call's number and three arguments; a fourth is always 0. */
const CALL_BYTES = 32;

/** In the order of their numbers (asm-generic/resource.h). */
export const RESOURCES: readonly string[] = [
  ...['cpu', 'fsize', 'data', 'stack', 'core', 'rss', 'nproc', 'nofile'],
  ...['memlock', 'as', 'locks', 'sigpending', 'msgqueue', 'nice', 'rtprio', 'rttime'],
];

/** RLIM_INFINITY is all ones. */
export function limitValue(limit: number): bigint {
  return limit === Infinity ? 0xffff_ffff_ffff_ffffn : BigInt(limit);
}

interface CallingMachine extends Machine {
  readonly numbers: { readonly write: number; readonly close: number; readonly prlimit64: number };
}

const MACHINES: Readonly<Record<string, CallingMachine>> = {
  x64: {
    elfMachine: 62,
    numbers: { write: 1, close: 3, prlimit64: 302 },
    code: `
    488d1d57000000     # lea rbx, [rip + table]
    4c8b23             # mov r12, [rbx]
    4883c308           # add rbx, 8
    4d85e4             # next: test r12, r12
    7421               # jz run
    488b03             # mov rax, [rbx]
    488b7b08           # mov rdi, [rbx + 8]
    488b7310           # mov rsi, [rbx + 16]
    488b5318           # mov rdx, [rbx + 24]
    4531d2             # xor r10d, r10d
    0f05               # syscall
    85c0               # test eax, eax
    7823               # js fail
    4883c320           # add rbx, 32
    49ffcc             # dec r12
    ebda               # jmp next
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
    90                 # nop`,
  },
  arm64: {
    elfMachine: 183,
    numbers: { write: 64, close: 57, prlimit64: 261 },
    code: `
    13030010           # adr x19, table
    748640f8           # ldr x20, [x19], 8
    740100b4           # next: cbz x20, run
    680240f9           # ldr x8, [x19]
    600640f9           # ldr x0, [x19, 8]
    610a40f9           # ldr x1, [x19, 16]
    620e40f9           # ldr x2, [x19, 24]
    e3031faa           # mov x3, xzr
    010000d4           # svc 0
    6001f8b7           # tbnz x0, 63, fail
    73820091           # add x19, x19, 32
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
