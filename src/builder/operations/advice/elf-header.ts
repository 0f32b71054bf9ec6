import { PROCESSOR_KINDS } from '../../../sandbox/emulation/machines.js';

export interface ElfHeader {
  /** Go's name of the processor; `undefined` for one that has none. */
  readonly architecture: string | undefined;
  /** The program that the kernel starts in its place (PT_INTERP); `undefined` for one that is linked statically. */
  readonly loader: string | undefined;
}

const MAGIC = Buffer.from('\x7fELF', 'latin1');
const PT_INTERP = 3;
/** More program headers than a program has. */
const MAX_HEADERS = 64;

/** Where members are, for each class (elf(5)). */
const LAYOUTS = {
  1: { address: 4, phoff: 28, phentsize: 42, phnum: 44, offset: 4, filesz: 16 },
  2: { address: 8, phoff: 32, phentsize: 54, phnum: 56, offset: 8, filesz: 32 },
} as const;

/** @param start the beginning of a file; `undefined` for one that is no program of this format */
export function readElfHeader(start: Buffer): ElfHeader | undefined {
  if (start.length < 64 || !start.subarray(0, 4).equals(MAGIC)) return undefined;
  const bits = start[4];
  if (bits !== 1 && bits !== 2) return undefined;
  const order = start[5] === 2 ? 'big' : 'little';
  const machine = order === 'big' ? start.readUInt16BE(18) : start.readUInt16LE(18);
  const kind = PROCESSOR_KINDS.find((one) => one.machine === machine && one.order === order && one.bits === bits * 32);
  return { architecture: kind?.architecture, loader: order === 'little' ? loaderOf(start, LAYOUTS[bits]) : undefined };
}

/** Of a file for processors that begin with the low byte. */
function loaderOf(start: Buffer, layout: (typeof LAYOUTS)[1 | 2]): string | undefined {
  const numberAt = (at: number, bytes: number): number => (at + bytes > start.length ? 0 : start.readUIntLE(at, bytes));
  // 6 of the 8 bytes of an address are all that a number can hold, and more than a file has.
  const bytes = Math.min(layout.address, 6);
  const table = numberAt(layout.phoff, bytes);
  const size = numberAt(layout.phentsize, 2);
  for (let number = 0; number < Math.min(numberAt(layout.phnum, 2), MAX_HEADERS); number++) {
    const header = table + number * size;
    if (numberAt(header, 4) !== PT_INTERP) continue;
    const from = numberAt(header + layout.offset, bytes);
    const text = start.subarray(from, from + numberAt(header + layout.filesz, bytes)).toString('latin1');
    const [path = ''] = text.split('\0');
    return path.startsWith('/') ? path : undefined;
  }
  return undefined;
}
