export interface Machine {
  /** e_machine of the ELF header. */
  readonly elfMachine: number;
  /** In memory order, a line of hexadecimal digits and a comment for each instruction. */
  readonly code: string;
}

/** A complete program that consists of the machine's code. */
export function elfProgram({ elfMachine, code }: Machine): Uint8Array {
  return executable(elfMachine, Buffer.from(code.replaceAll(/#.*|\s+/g, ''), 'hex'));
}

const LOAD_ADDRESS = 0x400000;
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const ENTRY_OFFSET = HEADER_BYTES + PROGRAM_HEADER_BYTES;

/** elf(5): a header, one segment that maps the file readable and executable, and the code. */
function executable(elfMachine: number, code: Buffer): Uint8Array {
  const file = Buffer.alloc(ENTRY_OFFSET + code.length);
  file.write('\x7fELF\x02\x01\x01', 'latin1');
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(elfMachine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BigInt(LOAD_ADDRESS + ENTRY_OFFSET), 24);
  file.writeBigUInt64LE(BigInt(HEADER_BYTES), 32);
  file.writeUInt16LE(HEADER_BYTES, 52);
  file.writeUInt16LE(PROGRAM_HEADER_BYTES, 54);
  file.writeUInt16LE(1, 56);
  const [load, readable, runnable] = [1, 4, 1];
  file.writeUInt32LE(load, HEADER_BYTES);
  file.writeUInt32LE(readable | runnable, HEADER_BYTES + 4);
  file.writeBigUInt64LE(BigInt(LOAD_ADDRESS), HEADER_BYTES + 16);
  file.writeBigUInt64LE(BigInt(LOAD_ADDRESS), HEADER_BYTES + 24);
  file.writeBigUInt64LE(BigInt(file.length), HEADER_BYTES + 32);
  file.writeBigUInt64LE(BigInt(file.length), HEADER_BYTES + 40);
  file.writeBigUInt64LE(0x10000n, HEADER_BYTES + 48);
  code.copy(file, ENTRY_OFFSET);
  return file;
}
