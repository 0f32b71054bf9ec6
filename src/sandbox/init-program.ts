import { elfProgram, type Machine } from './elf-program.js';

/**
 * Process 1 of a step's pid namespace, as a complete ELF file of some 300 bytes.
 *
 * A fresh /proc can only be mounted by a process inside the pid namespace (proc(5)); Node cannot be one without starting
 * anew, and a shell with mount(8) is missing in small containers, takes three times as long, and keeps zombies. It does:
 *
 *     mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL)   below its working directory, the new root
 *     rt_sigaction(SIGCHLD, SIG_IGN)                                          so that the kernel reaps orphans by itself
 *     write(1, …, 1)                                                          /proc is there
 *     read(0, …, 1)                                                           until the builder closes the pipe, or dies
 *     exit_group(0), or with errno when mount failed                          the kernel then kills the whole namespace
 */
export function initProgram(architecture: string): Uint8Array {
  const machine = MACHINES[architecture];
  if (machine === undefined) throw new Error(`no init program for ${architecture}`);
  return elfProgram(machine);
}

const X64: Machine = {
  elfMachine: 62,
  code: `
    488d3d63000000  # lea rdi, [rip + name]
    4889fe          # mov rsi, rdi
    4889fa          # mov rdx, rdi
    6a0e            # push 14
    415a            # pop r10
    4531c0          # xor r8d, r8d
    b8a5000000      # mov eax, 165 (mount)
    0f05            # syscall
    85c0            # test eax, eax
    7840            # js fail
    bf11000000      # mov edi, 17 (SIGCHLD)
    488d3545000000  # lea rsi, [rip + ignore]
    31d2            # xor edx, edx
    6a08            # push 8
    415a            # pop r10
    b80d000000      # mov eax, 13 (rt_sigaction)
    0f05            # syscall
    bf01000000      # mov edi, 1
    488d3526000000  # lea rsi, [rip + name]
    89fa            # mov edx, edi
    89f8            # mov eax, edi (write)
    0f05            # syscall
    31ff            # wait: xor edi, edi
    4889e6          # mov rsi, rsp
    ba01000000      # mov edx, 1
    31c0            # xor eax, eax (read)
    0f05            # syscall
    83f8fc          # cmp eax, -4 (EINTR)
    74ed            # je wait
    31c0            # xor eax, eax
    f7d8            # fail: neg eax
    89c7            # mov edi, eax
    b8e7000000      # mov eax, 231 (exit_group)
    0f05            # syscall
    70726f630090
    0100000000000000000000000000000000000000000000000000000000000000`,
};

const ARM64: Machine = {
  elfMachine: 183,
  code: `
    c0030010  # adr x0, name
    e10300aa  # mov x1, x0
    e20300aa  # mov x2, x0
    c30180d2  # mov x3, 14
    e4031faa  # mov x4, xzr
    080580d2  # mov x8, 40 (mount)
    010000d4  # svc 0
    8002f8b7  # tbnz x0, 63, fail
    200280d2  # mov x0, 17 (SIGCHLD)
    e1020010  # adr x1, ignore
    e2031faa  # mov x2, xzr
    030180d2  # mov x3, 8
    c81080d2  # mov x8, 134 (rt_sigaction)
    010000d4  # svc 0
    200080d2  # mov x0, 1
    e1010010  # adr x1, name
    220080d2  # mov x2, 1
    080880d2  # mov x8, 64 (write)
    010000d4  # svc 0
    e0031faa  # wait: mov x0, xzr
    e1030091  # mov x1, sp
    220080d2  # mov x2, 1
    e80780d2  # mov x8, 63 (read)
    010000d4  # svc 0
    1f1000b1  # cmn x0, 4 (EINTR)
    40ffff54  # b.eq wait
    e0031faa  # mov x0, xzr
    e00300cb  # fail: neg x0, x0
    c80b80d2  # mov x8, 94 (exit_group)
    010000d4  # svc 0
    70726f6300000000
    0100000000000000000000000000000000000000000000000000000000000000`,
};

const MACHINES: Readonly<Record<string, Machine>> = { x64: X64, arm64: ARM64 };
