import type { ByteString } from '../../support/byte-string.js';
import { BLOCK, ENTRY, FILE_TYPES, SLOT } from './erofs-format.js';
import type { ErofsInode } from './erofs-inode.js';

/** The entries of a directory, with `.` and `..`, in the order of their bytes: the kernel searches by halves. */
export interface ErofsDirectory {
  readonly names: readonly ByteString[];
  /** Of each name. */
  readonly inodes: readonly ErofsInode[];
}

/** Bytes of a directory. A block has as many entries as fit, and after them their names. */
export function directorySize(names: readonly ByteString[]): number {
  let full = 0;
  let used = 0;
  for (const { length } of names) {
    const needed = ENTRY.length + length;
    if (used + needed > BLOCK) {
      full += BLOCK;
      used = 0;
    }
    used += needed;
  }
  return full + used;
}

export function encodeDirectory(directory: ErofsDirectory, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  const { names } = directory;
  for (let block = 0, first = 0; first < names.length; block += BLOCK) {
    const end = endOfBlock(names, first);
    encodeBlock(bytes, block, { directory, first, end });
    first = end;
  }
  return bytes;
}

interface BlockRange {
  readonly directory: ErofsDirectory;
  readonly first: number;
  readonly end: number;
}

function endOfBlock(names: readonly ByteString[], first: number): number {
  let used = 0;
  let end = first;
  for (; end < names.length; end++) {
    used += ENTRY.length + (names[end]?.length ?? 0);
    if (used > BLOCK) break;
  }
  return end;
}

function encodeBlock(bytes: Buffer, block: number, { directory, first, end }: BlockRange): void {
  let nameAt = (end - first) * ENTRY.length;
  for (let index = first; index < end; index++) {
    const [name, inode] = [directory.names[index], directory.inodes[index]];
    if (name === undefined || inode === undefined) continue;
    const at = block + (index - first) * ENTRY.length;
    // The upper half of the number is 0: an image is far from 2^32 slots.
    bytes.writeUInt32LE(inode.at / SLOT, at + ENTRY.at.nid);
    bytes.writeUInt16LE(nameAt, at + ENTRY.at.name);
    bytes.writeUInt8(FILE_TYPES[inode.type], at + ENTRY.at.type);
    bytes.write(name, block + nameAt, 'latin1');
    nameAt += name.length;
  }
}
