import { byteString, type ByteString } from '../../support/byte-string.js';

export type Machine = 'x86-64' | 'arm64';

/** What the dynamic loader reads of a program or a shared library (System V gABI, chapters 4 and 5). */
export interface ElfFile {
  readonly kind: 'elf';
  readonly machine: Machine;
  /** PT_INTERP: the loader; `null` for a library and for a static program. */
  readonly interpreter: ByteString | null;
  /** DT_NEEDED, in order. */
  readonly needed: readonly ByteString[];
  /** DT_RPATH, not yet expanded. */
  readonly rpath: readonly ByteString[];
  /** DT_RUNPATH, not yet expanded; `null` when absent, which is what makes DT_RPATH count. */
  readonly runpath: readonly ByteString[] | null;
}

export type ElfReading =
  ElfFile | { readonly kind: 'not-elf' } | { readonly kind: 'unusable'; readonly reason: string };

/** Up to `length` bytes from `offset` on; fewer only at the end of the file. */
export type ReadAt = (offset: number, length: number) => Buffer;

const MACHINES: Readonly<Record<number, Machine>> = { 62: 'x86-64', 183: 'arm64' };
const PT = { load: 1, dynamic: 2, interpreter: 3 } as const;
const DT = { null: 0, needed: 1, stringTable: 5, rpath: 15, runpath: 29 } as const;
const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const DYNAMIC_ENTRY_BYTES = 16;
const MAX_SEGMENTS = 512;
const MAX_DYNAMIC_BYTES = 1 << 20;
/** PATH_MAX; a search path may hold several, so more is read for those. */
const MAX_STRING_BYTES = 1 << 16;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
}

class MalformedElf extends Error {
  override readonly name = 'MalformedElf';
}

/** Reads headers only; never throws for what the file contains. */
export function readElf(read: ReadAt): ElfReading {
  const header = read(0, HEADER_BYTES);
  if (header.length < 4 || header.readUInt32BE(0) !== 0x7f454c46) return { kind: 'not-elf' };
  const machine = header.length < HEADER_BYTES ? undefined : MACHINES[header.readUInt16LE(18)];
  const is64BitLittleEndian = header[4] === 2 && header[5] === 1;
  if (machine === undefined || !is64BitLittleEndian) {
    return { kind: 'unusable', reason: 'made for another machine than 64-bit x86 or Arm' };
  }
  try {
    return { kind: 'elf', machine, ...readDynamic(read, readSegments(read, header)) };
  } catch (error) {
    if (error instanceof MalformedElf || error instanceof RangeError) {
      return { kind: 'unusable', reason: `malformed ELF file: ${error.message}` };
    }
    throw error;
  }
}

function readSegments(read: ReadAt, header: Buffer): readonly Segment[] {
  const offset = toNumber(header.readBigUInt64LE(32));
  const [entryBytes, count] = [header.readUInt16LE(54), header.readUInt16LE(56)];
  if (count > MAX_SEGMENTS) throw new MalformedElf(`${count} segments`);
  if (count > 0 && entryBytes !== SEGMENT_BYTES) throw new MalformedElf(`segment headers of ${entryBytes} bytes`);
  const table = readWhole(read, offset, count * SEGMENT_BYTES);
  return Array.from({ length: count }, (_, index) => {
    const at = index * SEGMENT_BYTES;
    return {
      type: table.readUInt32LE(at),
      offset: toNumber(table.readBigUInt64LE(at + 8)),
      address: toNumber(table.readBigUInt64LE(at + 16)),
      fileBytes: toNumber(table.readBigUInt64LE(at + 32)),
    };
  });
}

function readDynamic(read: ReadAt, segments: readonly Segment[]): Omit<ElfFile, 'kind' | 'machine'> {
  const interpreterAt = segments.find(({ type }) => type === PT.interpreter);
  const interpreter = interpreterAt === undefined ? null : readString(read, interpreterAt.offset);
  const dynamic = segments.find(({ type }) => type === PT.dynamic);
  if (dynamic === undefined) return { interpreter, needed: [], rpath: [], runpath: null };
  if (dynamic.fileBytes > MAX_DYNAMIC_BYTES) throw new MalformedElf('oversized dynamic section');

  const entries = dynamicEntries(readWhole(read, dynamic.offset, dynamic.fileBytes));
  const tableAddress = entries.find(({ tag }) => tag === DT.stringTable)?.value;
  const strings = (wanted: number): readonly ByteString[] => {
    const found = entries.filter(({ tag }) => tag === wanted);
    if (found.length > 0 && tableAddress === undefined) throw new MalformedElf('no string table');
    return found.map(({ value }) => readString(read, fileOffset(segments, (tableAddress ?? 0) + value)));
  };
  const runpath = strings(DT.runpath);
  return {
    interpreter,
    needed: strings(DT.needed),
    rpath: strings(DT.rpath).flatMap(searchPathOf),
    runpath: runpath.length === 0 ? null : runpath.flatMap(searchPathOf),
  };
}

function dynamicEntries(section: Buffer): readonly { readonly tag: number; readonly value: number }[] {
  const entries: { tag: number; value: number }[] = [];
  for (let at = 0; at + DYNAMIC_ENTRY_BYTES <= section.length; at += DYNAMIC_ENTRY_BYTES) {
    // Tags above 32 bits are processor- or vendor-specific; none of them is read here.
    const tag = Number(section.readBigUInt64LE(at));
    if (tag === DT.null) break;
    entries.push({ tag, value: Number(section.readBigUInt64LE(at + 8)) });
  }
  return entries;
}

/** The dynamic section names its string table by address in memory. */
function fileOffset(segments: readonly Segment[], address: number): number {
  const home = segments.find(
    (segment) =>
      segment.type === PT.load && address >= segment.address && address < segment.address + segment.fileBytes,
  );
  if (home === undefined) throw new MalformedElf('a string outside of the file');
  return address - home.address + home.offset;
}

function readWhole(read: ReadAt, offset: number, length: number): Buffer {
  const bytes = read(offset, length);
  if (bytes.length < length) throw new MalformedElf('cut off');
  return bytes;
}

function readString(read: ReadAt, offset: number): ByteString {
  for (const length of [256, MAX_STRING_BYTES]) {
    const bytes = read(offset, length);
    const end = bytes.indexOf(0);
    if (end >= 0) return byteString(bytes.subarray(0, end));
  }
  throw new MalformedElf('a string without end');
}

function searchPathOf(text: ByteString): readonly ByteString[] {
  return text.split(':').filter((directory) => directory !== '') as ByteString[];
}

function toNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new MalformedElf('an offset beyond the file');
  return Number(value);
}
