import { closeSync, openSync, readSync } from 'node:fs';
import { findSystemProgram } from '../../support/system-program.js';
import { PROCESSOR_KINDS, type ProcessorKind } from './machines.js';

/** An emulator that this machine has, and need not have registered. */
export interface InstalledEmulator {
  readonly kind: ProcessorKind;
  /** Absolute path of a program that needs no libraries: a step's root file system has not those of this machine. */
  readonly program: string;
}

/** Of QEMU's user mode, for processors that are not this machine's own. */
export function installedEmulators(directories?: readonly string[]): readonly InstalledEmulator[] {
  return PROCESSOR_KINDS.filter(({ architecture }) => !isNative(architecture)).flatMap((kind) => {
    const program = [`qemu-${kind.emulator}-static`, `qemu-${kind.emulator}`]
      .map((name) => findSystemProgram(name, directories))
      .find((path) => path !== undefined && needsNoLibraries(path));
    return program === undefined ? [] : [{ kind, program }];
  });
}

const NATIVE: Readonly<Record<string, readonly string[]>> = { x64: ['amd64', '386'], arm64: ['arm64'] };

/** Whether the processors of this machine run programs for it. @param architecture as Go calls it */
export function isNative(architecture: string, own: string = process.arch): boolean {
  return NATIVE[own]?.includes(architecture) ?? own === architecture;
}

const [HEADERS_OFFSET, HEADER_SIZE, HEADER_COUNT, HEADERS_MOST] = [32, 54, 56, 4096];
const INTERPRETER = 3;

/** By the program headers of a 64-bit program of this machine: none names an interpreter (PT_INTERP, elf(5)). */
export function needsNoLibraries(path: string): boolean {
  const bytes = Buffer.alloc(HEADERS_MOST);
  const file = openSync(path, 'r');
  try {
    const length = readSync(file, bytes, 0, bytes.length, 0);
    if (length < 64 || bytes.toString('latin1', 0, 5) !== '\x7fELF\x02') return false;
    const start = Number(bytes.readBigUInt64LE(HEADERS_OFFSET));
    const [size, count] = [bytes.readUInt16LE(HEADER_SIZE), bytes.readUInt16LE(HEADER_COUNT)];
    if (start + size * count > length) return false;
    const types = Array.from({ length: count }, (_, index) => bytes.readUInt32LE(start + size * index));
    return !types.includes(INTERPRETER);
  } finally {
    closeSync(file);
  }
}
