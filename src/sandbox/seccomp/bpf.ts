/**
 * Classic BPF as seccomp(2) takes it: a program of 8-byte instructions over `struct seccomp_data`
 * (linux/filter.h, linux/seccomp.h). Programs here are trees in which every path ends in a return, so that they are put
 * together without labels: a jump always skips one whole subtree.
 */
export interface Instruction {
  readonly code: number;
  readonly whenTrue: number;
  readonly whenFalse: number;
  readonly value: number;
}
export type Program = readonly Instruction[];

const LOAD_WORD = 0x20;
const JUMP = 0x05;
const JUMP_IF = { equal: 0x15, atLeast: 0x35, anyBitOf: 0x45 } as const;
const RETURN = 0x06;

/** Offsets into `struct seccomp_data`, on little-endian machines. */
export const FIELD = { number: 0, architecture: 4, firstArgument: 16 } as const;

/** What becomes of the call: SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO with errno, SECCOMP_RET_KILL_PROCESS. */
export const OUTCOME = {
  allow: 0x7fff0000,
  notPermitted: 0x00050001,
  notImplemented: 0x00050026,
  kill: 0x80000000,
} as const;

export function finish(outcome: number): Program {
  return [{ code: RETURN, whenTrue: 0, whenFalse: 0, value: outcome }];
}

/** Loads a 32-bit field, which the tests of `then` are about. */
export function load(offset: number, then: Program): Program {
  return [{ code: LOAD_WORD, whenTrue: 0, whenFalse: 0, value: offset }, ...then];
}

export interface Branches {
  readonly when: keyof typeof JUMP_IF;
  readonly value: number;
  readonly then: Program;
  readonly otherwise: Program;
}

export function branch({ when, value, then, otherwise }: Branches): Program {
  const test = { code: JUMP_IF[when], value };
  // A conditional jump reaches 255 instructions; an unconditional one any distance.
  if (then.length <= 255) return [{ ...test, whenTrue: 0, whenFalse: then.length }, ...then, ...otherwise];
  const skip = { code: JUMP, whenTrue: 0, whenFalse: 0, value: then.length };
  return [{ ...test, whenTrue: 1, whenFalse: 0 }, skip, ...then, ...otherwise];
}

/** As the kernel reads it: `struct sock_filter[]`. At most 4096 instructions (BPF_MAXINSNS). */
export function assemble(program: Program): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(({ code, whenTrue, whenFalse, value }, index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(whenTrue, index * 8 + 2);
    bytes.writeUInt8(whenFalse, index * 8 + 3);
    bytes.writeUInt32LE(value, index * 8 + 4);
  });
  return bytes;
}
