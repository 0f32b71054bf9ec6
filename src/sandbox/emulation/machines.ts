/** A kind of processor, by what the ELF header of its programs says (elf(5)). */
export interface ProcessorKind {
  /** Go's name, as platforms have it. */
  readonly architecture: string;
  /** QEMU's, as in `qemu-aarch64-static`. */
  readonly emulator: string;
  readonly bits: 32 | 64;
  readonly order: 'little' | 'big';
  /** e_machine */
  readonly machine: number;
}

export const PROCESSOR_KINDS: readonly ProcessorKind[] = [
  { architecture: '386', emulator: 'i386', bits: 32, order: 'little', machine: 3 },
  { architecture: 'amd64', emulator: 'x86_64', bits: 64, order: 'little', machine: 62 },
  { architecture: 'arm', emulator: 'arm', bits: 32, order: 'little', machine: 40 },
  { architecture: 'arm64', emulator: 'aarch64', bits: 64, order: 'little', machine: 183 },
  { architecture: 'loong64', emulator: 'loongarch64', bits: 64, order: 'little', machine: 258 },
  { architecture: 'mips', emulator: 'mips', bits: 32, order: 'big', machine: 8 },
  { architecture: 'mips64', emulator: 'mips64', bits: 64, order: 'big', machine: 8 },
  { architecture: 'mips64le', emulator: 'mips64el', bits: 64, order: 'little', machine: 8 },
  { architecture: 'mipsle', emulator: 'mipsel', bits: 32, order: 'little', machine: 8 },
  { architecture: 'ppc64', emulator: 'ppc64', bits: 64, order: 'big', machine: 21 },
  { architecture: 'ppc64le', emulator: 'ppc64le', bits: 64, order: 'little', machine: 21 },
  { architecture: 'riscv64', emulator: 'riscv64', bits: 64, order: 'little', machine: 243 },
  { architecture: 's390x', emulator: 's390x', bits: 64, order: 'big', machine: 22 },
];

const HEADER_BYTES = 20;
const [EXECUTABLE, TYPE_OFFSET, MACHINE_OFFSET] = [2, 16, 18];
const OS_ABI_OFFSET = 7;

/** The beginning of a program for it. */
export function programHeader({ bits, order, machine }: ProcessorKind): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('\x7fELF', 'latin1');
  header.set([bits / 32, order === 'little' ? 1 : 2, 1], 4);
  writeHalf(header, order, { offset: TYPE_OFFSET, value: EXECUTABLE });
  writeHalf(header, order, { offset: MACHINE_OFFSET, value: machine });
  return header;
}

/** Which bits of it count: any system's programs, and position-independent ones (ET_DYN, 3) as well as others (ET_EXEC, 2). */
export function programMask({ order }: ProcessorKind): Uint8Array {
  const mask = Buffer.alloc(HEADER_BYTES, 0xff);
  mask[OS_ABI_OFFSET] = 0;
  writeHalf(mask, order, { offset: TYPE_OFFSET, value: 0xfffe });
  return mask;
}

function writeHalf(
  bytes: Buffer,
  order: ProcessorKind['order'],
  { offset, value }: { readonly offset: number; readonly value: number },
): void {
  if (order === 'little') bytes.writeUInt16LE(value, offset);
  else bytes.writeUInt16BE(value, offset);
}
