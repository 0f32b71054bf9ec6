import { elfProgram, type Machine } from './elf-program.js';

/**
 * A program that makes the system calls it is told, as a complete ELF file of some 500 bytes. Namespaces, roots and identities are
 * those of a thread or a process, and so must be changed by one that is not this process; this one starts a hundred times as
 * fast as a thread of Node. It has the descriptors of `CALL_DESCRIPTORS`, and does, over and over:
 *
 *     read(lists, &{size, address}, 16); mmap(address, size, …MAP_FIXED); read(lists, address, size)
 *     for each record, from the first on:
 *         a call: with its arguments, again while it is interrupted (EINTR); its result is kept in the record. What comes next is the
 *                 record after it, or the one that it names for a result of zero, or for an error that it tolerates
 *         END:    the next list
 *         FINISH: as below
 *     an error that a record does not tolerate: write(answers, record, 80), then as below
 *     at the end of all lists: wait4 until there is no child; exit_group(0)
 *
 * Answers are calls like others: a list tells it to write records to that descriptor.
 */
export function callProgram(architecture: string): Uint8Array {
  const machine = MACHINES[architecture];
  if (machine === undefined) throw new Error(`no call program for ${architecture}`);
  return elfProgram(machine);
}

/** Where the program is told, and answers; and a pipe that its lists may pass on. */
export const CALL_DESCRIPTORS = { lists: 3, answers: 4, control: 5 } as const;

/** Of a record, in bytes: number (32 bits), kinds of arguments (2 bits each), tag (16 bits), 6 arguments, tolerated, next, next, result. */
export const RECORD = {
  bytes: 80,
  kinds: 4,
  tag: 6,
  arguments: 8,
  /** A bit for each errno below 64. */
  tolerated: 56,
  /** Distances from the first record, 32 bits. Zero: none. */
  afterTolerated: 64,
  afterZero: 68,
  result: 72,
} as const;

/** An argument is itself, or what is at the address that it has. */
export const ARGUMENT_KIND = { immediate: 0, long: 1, int: 2 } as const;

/** In place of a call's number. */
export const CALL_END = 0xffffffff;
export const CALL_FINISH = 0xfffffffe;

const X64: Machine = {
  elfMachine: 62,
  code: `
    4883ec10      # sub rsp, 16
    bf03000000    # read_list: mov edi, 3
    4889e6        # mov rsi, rsp
    ba10000000    # mov edx, 16
    31c0          # xor eax, eax
    0f05          # syscall
    4883f8fc      # cmp rax, -4 (EINTR)
    74e9          # je read_list
    4883f810      # cmp rax, 16
    0f8511010000  # jne finish
    488b7c2408    # mov rdi, [rsp + 8]
    488b3424      # mov rsi, [rsp]
    ba03000000    # mov edx, 3
    41ba32000000  # mov r10d, 0x32
    6aff          # push -1
    4158          # pop r8
    4531c9        # xor r9d, r9d
    b809000000    # mov eax, 9 (mmap)
    0f05          # syscall
    4885c0        # test rax, rax
    0f88e6000000  # js finish
    4889c3        # mov rbx, rax
    4989c5        # mov r13, rax
    4c8b3424      # mov r14, [rsp]
    bf03000000    # read_more: mov edi, 3
    4c89ee        # mov rsi, r13
    4c89f2        # mov rdx, r14
    31c0          # xor eax, eax
    0f05          # syscall
    4883f8fc      # cmp rax, -4 (EINTR)
    74eb          # je read_more
    4885c0        # test rax, rax
    0f8ebe000000  # jle finish
    4901c5        # add r13, rax
    4929c6        # sub r14, rax
    75da          # jnz read_more
    4989dc        # mov r12, rbx
    418b0424      # next: mov eax, [r12]
    83f8ff        # cmp eax, -1
    0f8474ffffff  # je read_list
    83f8fe        # cmp eax, -2
    0f849d000000  # je finish
    410fb76c2404  # movzx ebp, word ptr [r12 + 4]
    4d8d6c2408    # lea r13, [r12 + 8]
    41be06000000  # mov r14d, 6
    498b4500      # argument: mov rax, [r13]
    89e9          # mov ecx, ebp
    83e103        # and ecx, 3
    740c          # jz ready
    ffc9          # dec ecx
    7405          # jz wide
    486300        # movsxd rax, dword ptr [rax]
    eb03          # jmp ready
    488b00        # wide: mov rax, [rax]
    50            # ready: push rax
    c1ed02        # shr ebp, 2
    4983c508      # add r13, 8
    41ffce        # dec r14d
    75dc          # jnz argument
    4159          # pop r9
    4158          # pop r8
    415a          # pop r10
    5a            # pop rdx
    5e            # pop rsi
    5f            # pop rdi
    418b0424      # mov eax, [r12]
    0f05          # syscall
    4883f8fc      # cmp rax, -4 (EINTR)
    74a0          # je next
    4989442448    # mov [r12 + 72], rax
    4885c0        # test rax, rax
    781a          # js failed
    750f          # jnz following
    418b442444    # mov eax, [r12 + 68]
    85c0          # test eax, eax
    7406          # jz following
    4c8d2403      # jump: lea r12, [rbx + rax]
    eb85          # jmp next
    4983c450      # following: add r12, 80
    e97cffffff    # jmp next
    48f7d8        # failed: neg rax
    4883f83f      # cmp rax, 63
    7712          # ja fatal
    498b4c2438    # mov rcx, [r12 + 56]
    480fa3c1      # bt rcx, rax
    7307          # jnc fatal
    418b442440    # mov eax, [r12 + 64]
    ebd6          # jmp jump
    bf04000000    # fatal: mov edi, 4
    4c89e6        # mov rsi, r12
    ba50000000    # mov edx, 80
    b801000000    # mov eax, 1 (write)
    0f05          # syscall
    6aff          # finish: push -1
    5f            # pop rdi
    31f6          # xor esi, esi
    31d2          # xor edx, edx
    4531d2        # xor r10d, r10d
    b83d000000    # mov eax, 61 (wait4)
    0f05          # syscall
    4885c0        # test rax, rax
    79ea          # jns finish
    4883f8fc      # cmp rax, -4 (EINTR)
    74e4          # je finish
    31ff          # xor edi, edi
    b8e7000000    # mov eax, 231 (exit_group)
    0f05          # syscall`,
};

const ARM64: Machine = {
  elfMachine: 183,
  code: `
    ff4300d1  # sub sp, sp, 16
    600080d2  # read_list: mov x0, 3
    e1030091  # mov x1, sp
    020280d2  # mov x2, 16
    e80780d2  # mov x8, 63 (read)
    010000d4  # svc 0
    1f1000b1  # cmn x0, 4 (EINTR)
    40ffff54  # b.eq read_list
    1f4000f1  # cmp x0, 16
    a1090054  # b.ne finish
    e00740f9  # ldr x0, [sp, 8]
    e10340f9  # ldr x1, [sp]
    620080d2  # mov x2, 3
    430680d2  # mov x3, 0x32
    04008092  # mov x4, -1
    e5031faa  # mov x5, xzr
    c81b80d2  # mov x8, 222 (mmap)
    010000d4  # svc 0
    8008f8b7  # tbnz x0, 63, finish
    f30300aa  # mov x19, x0
    f50300aa  # mov x21, x0
    f60340f9  # ldr x22, [sp]
    600080d2  # read_more: mov x0, 3
    e10315aa  # mov x1, x21
    e20316aa  # mov x2, x22
    e80780d2  # mov x8, 63 (read)
    010000d4  # svc 0
    1f1000b1  # cmn x0, 4 (EINTR)
    40ffff54  # b.eq read_more
    1f0000f1  # cmp x0, 0
    0d070054  # b.le finish
    b502008b  # add x21, x21, x0
    d60200eb  # subs x22, x22, x0
    a1feff54  # b.ne read_more
    f40313aa  # mov x20, x19
    880240b9  # next: ldr w8, [x20]
    1f050031  # cmn w8, 1
    80fbff54  # b.eq read_list
    1f090031  # cmn w8, 2
    e0050054  # b.eq finish
    890a4079  # ldrh w9, [x20, 4]
    8a220091  # add x10, x20, 8
    cb0080d2  # mov x11, 6
    ffc300d1  # sub sp, sp, 48
    ec030091  # mov x12, sp
    4d8540f8  # argument: ldr x13, [x10], 8
    2e050072  # ands w14, w9, 3
    c0000054  # b.eq ready
    ce050071  # subs w14, w14, 1
    60000054  # b.eq wide
    ad0180b9  # ldrsw x13, [x13]
    02000014  # b ready
    ad0140f9  # wide: ldr x13, [x13]
    8d8500f8  # ready: str x13, [x12], 8
    297d0253  # lsr w9, w9, 2
    6b0500f1  # subs x11, x11, 1
    a1feff54  # b.ne argument
    e00740a9  # ldp x0, x1, [sp]
    e20f41a9  # ldp x2, x3, [sp, 16]
    e41742a9  # ldp x4, x5, [sp, 32]
    ffc30091  # add sp, sp, 48
    010000d4  # svc 0
    1f1000b1  # cmn x0, 4 (EINTR)
    80fcff54  # b.eq next
    802600f9  # str x0, [x20, 72]
    0001f8b7  # tbnz x0, 63, failed
    a00000b5  # cbnz x0, following
    814640b9  # ldr w1, [x20, 68]
    61000034  # cbz w1, following
    7402018b  # jump: add x20, x19, x1
    ddffff17  # b next
    94420191  # following: add x20, x20, 80
    dbffff17  # b next
    e00300cb  # failed: neg x0, x0
    1ffc00f1  # cmp x0, 63
    c8000054  # b.hi fatal
    811e40f9  # ldr x1, [x20, 56]
    2124c09a  # lsr x1, x1, x0
    61000036  # tbz x1, 0, fatal
    814240b9  # ldr w1, [x20, 64]
    f5ffff17  # b jump
    800080d2  # fatal: mov x0, 4
    e10314aa  # mov x1, x20
    020a80d2  # mov x2, 80
    080880d2  # mov x8, 64 (write)
    010000d4  # svc 0
    00008092  # finish: mov x0, -1
    e1031faa  # mov x1, xzr
    e2031faa  # mov x2, xzr
    e3031faa  # mov x3, xzr
    882080d2  # mov x8, 260 (wait4)
    010000d4  # svc 0
    40ffffb6  # tbz x0, 63, finish
    1f1000b1  # cmn x0, 4 (EINTR)
    00ffff54  # b.eq finish
    e0031faa  # mov x0, xzr
    c80b80d2  # mov x8, 94 (exit_group)
    010000d4  # svc 0`,
};

const MACHINES: Readonly<Record<string, Machine>> = { x64: X64, arm64: ARM64 };
