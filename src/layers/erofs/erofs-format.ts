// What is where in an EROFS image, as fs/erofs/erofs_fs.h of Linux has it. All numbers are little-endian.

/** Tars align to as many bytes, and blocks of tars are addressed. */
export const BLOCK = 512;
export const BLOCK_BITS = 9;

/** Inodes begin at multiples of this, and are called by the quotient (`nid`). */
export const SLOT = 32;

/** The device table follows the superblock, in the same block, which its checksum is over. */
export const PLACE = { superblock: 1024, devices: 1152, inodes: 1536 } as const;

export const SUPERBLOCK = {
  magic: 0xe0f5e1e2,
  length: 512,
  at: {
    magic: 0,
    checksum: 4,
    compatible: 8,
    blockBits: 12,
    root: 14,
    inodes: 16,
    epoch: 24,
    blocks: 36,
    uuid: 48,
    incompatible: 80,
    extraDevices: 86,
    deviceSlot: 88,
  },
  uuidLength: 16,
} as const;

/** Checksum of the superblock; times are those of the last change of content. */
export const COMPATIBLE = 0x3;
/** Files of chunks; a device table. */
export const INCOMPATIBLE = 0xc;

export const DEVICE_SLOT = { length: 128, at: { tag: 0, blocks: 64 }, tagLength: 64 } as const;

export const COMPACT = {
  length: 32,
  version: 0,
  at: { format: 0, xattrs: 2, mode: 4, links: 6, size: 8, data: 16, number: 20, uid: 24, gid: 26 },
} as const;

export const EXTENDED = {
  length: 64,
  version: 1,
  at: {
    format: 0,
    xattrs: 2,
    mode: 4,
    size: 8,
    data: 16,
    number: 20,
    uid: 24,
    gid: 28,
    seconds: 32,
    nanoseconds: 40,
    links: 44,
  },
} as const;

/** Where the content of an inode is: in blocks; in blocks, its last part after the inode; in chunks of devices. */
export const LAYOUT = { plain: 0, inline: 2, chunks: 4 } as const;
export const LAYOUT_SHIFT = 1;

/** A chunk is a power of two of blocks, and says which device it is of. */
export const CHUNK = { indexed: 0x20, maxBits: 31, length: 8, at: { device: 2, block: 4 } } as const;

export const ENTRY = { length: 12, at: { nid: 0, name: 8, type: 10 } } as const;
export const MAX_NAME = 255;

/** Of directory entries. */
export const FILE_TYPES = {
  file: 1,
  directory: 2,
  'character-device': 3,
  'block-device': 4,
  fifo: 5,
  socket: 6,
  symlink: 7,
} as const;

export const XATTRS = {
  header: 12,
  entry: { length: 4, at: { nameLength: 0, prefix: 1, valueLength: 2 } },
  align: 4,
  maxName: 255,
  maxValue: 0xffff,
  /** Of all of an inode: their count of words is 16 bits, and the first word stands for the header. */
  maxLength: 0x4_0004,
} as const;

/** Beginnings of names, which stand in one byte. */
export const XATTR_PREFIXES: readonly (readonly [prefix: string, number: number])[] = [
  ['user.', 1],
  ['trusted.', 4],
  ['security.', 6],
];

export function alignUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
