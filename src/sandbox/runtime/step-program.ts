import { dataAddress, elfProgram, type Machine } from '../elf-program.js';
import { syscallNumbers, type InstructionSet } from '../seccomp/syscall-table.js';

/** A system call, by name, with up to five arguments; what points somewhere is put into the program itself. */
export interface StepCall {
  readonly name: string;
  readonly arguments: readonly (number | bigint | Uint8Array | Pointers)[];
}

/** Strings, each ended by NUL, and an array of pointers to them that is ended by NULL: `argv`, `envp`. */
export interface Pointers {
  readonly strings: readonly Buffer[];
}

/** Descriptors that a step program is started with, beside the step's input. */
export const STEP_DESCRIPTORS = { program: 3, status: 4, stdout: 5, stderr: 6 } as const;

/**
 * Process 1 of a step that a container runtime starts, as a complete ELF file: it needs nothing of the image and leaves nothing in
 * it. It makes a child, which performs a table of system calls, the last of which is execve(2), and adopts and reaps whatever the
 * child leaves behind:
 *
 *     prctl(PR_SET_DUMPABLE, 0)                              nothing in here is for the step to look at
 *     fork()                                                 in the child: for each of the table, syscall(…)
 *                                                            when one fails: write(4, {its address, what it returned}); exit(127)
 *     while (wait4(-1, &status, 0, NULL) != child)
 *     write(4, &status, 4); exit_group(0)                    the kernel then kills what is left
 *
 * A runtime alone would do for most of it, but has no word for "ended by signal 15": its exit code is 143 then, as that of a program
 * that says so itself. What a step's program is told (variables, which may be secrets, and arguments) is in no file of the runtime.
 */
export function stepProgram(architecture: string, calls: readonly StepCall[]): Uint8Array {
  const machine = MACHINES[architecture];
  if (machine === undefined) throw new Error(`no step program for ${architecture}`);
  return elfProgram(machine, callTable(machine, calls));
}

const ENTRY_BYTES = 48;
const MAX_ARGUMENTS = 5;

function callTable(machine: StepMachine, calls: readonly StepCall[]): Uint8Array {
  const numbers = syscallNumbers(machine.instructions);
  const table = Buffer.alloc(8 + calls.length * ENTRY_BYTES);
  const pool = new Pool(dataAddress(machine) + table.length);
  table.writeBigUInt64LE(BigInt(calls.length), 0);
  calls.forEach(({ name, arguments: given }, index) => {
    const number = numbers.get(name);
    if (number === undefined || given.length > MAX_ARGUMENTS) throw new Error(`no such system call: ${name}`);
    const words = [number, ...given].map((each) => (typeof each === 'object' ? pool.add(each) : each));
    words.forEach((word, field) => {
      table.writeBigInt64LE(BigInt(word), 8 + index * ENTRY_BYTES + field * 8);
    });
  });
  return Buffer.concat([table, pool.content()]);
}

/** What the table points to. */
class Pool {
  readonly #parts: Uint8Array[] = [];
  #next: number;

  constructor(address: number) {
    this.#next = address;
  }

  /** @returns the address */
  add(value: Uint8Array | Pointers): number {
    if (value instanceof Uint8Array) {
      const address = this.#next;
      this.#parts.push(value);
      this.#next += value.length;
      return address;
    }
    const addresses = value.strings.map((text) => this.add(Buffer.concat([text, Buffer.alloc(1)])));
    const array = Buffer.alloc((addresses.length + 1) * 8);
    addresses.forEach((address, index) => array.writeBigUInt64LE(BigInt(address), index * 8));
    return this.add(array);
  }

  content(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

/** What a step program had to say: how its child ended, which call failed instead, or nothing, because it was not reached. */
export type StepReport =
  | { readonly type: 'ended'; readonly exitCode: number | null; readonly signalNumber: number | null }
  | { readonly type: 'failed'; readonly call: number; readonly errno: number }
  | { readonly type: 'silent' };

const FAILURE_BYTES = 16;
const STATUS_BYTES = 4;

/** Reads what was written to the descriptor `status`. */
export function parseStepReport(architecture: string, bytes: Buffer): StepReport {
  const machine = MACHINES[architecture];
  if (machine !== undefined && bytes.length >= FAILURE_BYTES) {
    const first = dataAddress(machine) + 8;
    const call = (Number(bytes.readBigUInt64LE(0)) - first) / ENTRY_BYTES;
    return { type: 'failed', call, errno: -Number(bytes.readBigInt64LE(8)) };
  }
  if (bytes.length < STATUS_BYTES) return { type: 'silent' };
  // As wait(2) has it: the signal in the lowest seven bits, else the exit code in the second byte.
  const status = bytes.readUInt32LE(0);
  const signalNumber = status & 0x7f;
  if (signalNumber !== 0) return { type: 'ended', exitCode: null, signalNumber };
  return { type: 'ended', exitCode: (status >> 8) & 0xff, signalNumber: null };
}

interface StepMachine extends Machine {
  readonly instructions: InstructionSet;
}

const X64: StepMachine = {
  instructions: 'x86_64',
  elfMachine: 62,
  code: `
    bf04000000        # mov edi, 4
    31f6              # xor esi, esi
    b89d000000        # mov eax, 157 (prctl)
    0f05              # syscall
    b839000000        # mov eax, 57 (fork)
    0f05              # syscall
    85c0              # test eax, eax
    742d              # jz child
    89c3              # mov ebx, eax
    6a00              # push 0
    83cfff            # wait: or edi, -1
    4889e6            # mov rsi, rsp
    31d2              # xor edx, edx
    4531d2            # xor r10d, r10d
    b83d000000        # mov eax, 61 (wait4)
    0f05              # syscall
    39d8              # cmp eax, ebx
    75ea              # jne wait
    6a04              # push 4
    5a                # pop rdx
    89d7              # mov edi, edx
    4889e6            # mov rsi, rsp
    b801000000        # mov eax, 1 (write)
    0f05              # syscall
    31ff              # xor edi, edi
    eb50              # jmp end
    488d1d50000000    # child: lea rbx, [rip+table]
    4c8b23            # mov r12, [rbx]
    4883c308          # add rbx, 8
    488b03            # next: mov rax, [rbx]
    488b7b08          # mov rdi, [rbx+8]
    488b7310          # mov rsi, [rbx+16]
    488b5318          # mov rdx, [rbx+24]
    4c8b5320          # mov r10, [rbx+32]
    4c8b4328          # mov r8, [rbx+40]
    0f05              # syscall
    4885c0            # test rax, rax
    7809              # js fail
    4883c330          # add rbx, 48
    49ffcc            # dec r12
    75d9              # jnz next
    50                # fail: push rax
    53                # push rbx
    bf04000000        # mov edi, 4
    4889e6            # mov rsi, rsp
    ba10000000        # mov edx, 16
    b801000000        # mov eax, 1 (write)
    0f05              # syscall
    bf7f000000        # mov edi, 127
    b8e7000000        # end: mov eax, 231 (exit_group)
    0f05              # syscall`,
};

const ARM64: StepMachine = {
  instructions: 'aarch64',
  elfMachine: 183,
  code: `
    800080d2          # mov x0, 4
    e1031faa          # mov x1, xzr
    e81480d2          # mov x8, 167 (prctl)
    010000d4          # svc 0
    200280d2          # mov x0, 17
    e1031faa          # mov x1, xzr
    e2031faa          # mov x2, xzr
    e3031faa          # mov x3, xzr
    e4031faa          # mov x4, xzr
    881b80d2          # mov x8, 220 (clone)
    010000d4          # svc 0
    400200b4          # cbz x0, child
    f30300aa          # mov x19, x0
    ff4300d1          # sub sp, sp, 16
    00008092          # wait: mov x0, -1
    e1030091          # mov x1, sp
    e2031faa          # mov x2, xzr
    e3031faa          # mov x3, xzr
    882080d2          # mov x8, 260 (wait4)
    010000d4          # svc 0
    1f0013eb          # cmp x0, x19
    21ffff54          # b.ne wait
    800080d2          # mov x0, 4
    e1030091          # mov x1, sp
    820080d2          # mov x2, 4
    080880d2          # mov x8, 64 (write)
    010000d4          # svc 0
    e0031faa          # mov x0, xzr
    13000014          # b end
    93020010          # child: adr x19, table
    748640f8          # ldr x20, [x19], 8
    680240f9          # next: ldr x8, [x19]
    608640a9          # ldp x0, x1, [x19, 8]
    628e41a9          # ldp x2, x3, [x19, 24]
    641640f9          # ldr x4, [x19, 40]
    010000d4          # svc 0
    8000f8b7          # tbnz x0, 63, fail
    73c20091          # add x19, x19, 48
    940600d1          # sub x20, x20, 1
    14ffffb5          # cbnz x20, next
    f303bfa9          # fail: stp x19, x0, [sp, -16]!
    800080d2          # mov x0, 4
    e1030091          # mov x1, sp
    020280d2          # mov x2, 16
    080880d2          # mov x8, 64 (write)
    010000d4          # svc 0
    e00f80d2          # mov x0, 127
    c80b80d2          # end: mov x8, 94 (exit_group)
    010000d4          # svc 0`,
};

const MACHINES: Readonly<Record<string, StepMachine>> = { x64: X64, arm64: ARM64 };
