/** An image as `layers/erofs/` makes them for the tars of layers, of one file: all that trying such a mount takes. */
export const TRIAL_FILE = 'trial';
export const TRIAL_CONTENT = 'content in a tar';

/** Of the image, and of what its chunks are counted in: what tars are made of. */
const BLOCK = 512;
/** In the tar, of the file's content: after a header. */
const DATA_BLOCK = 1;
const TAR_BLOCKS = 3;

/** Where the extra device is described, and the inodes are, in bytes (erofs_fs.h). */
const SUPERBLOCK = 1024;
const DEVICE = SUPERBLOCK + 128;
const ROOT = DEVICE + 128;
const FILE = ROOT + 128;
const END = 3 * BLOCK;

/** Inodes are numbered by where they are. */
const numberOf = (place: number): number => place / 32;

const DIRECTORY_TYPE = 2;
const FILE_TYPE = 1;

export function trialTar(): Buffer {
  const bytes = Buffer.alloc(TAR_BLOCKS * BLOCK);
  bytes.write(TRIAL_CONTENT, DATA_BLOCK * BLOCK);
  return bytes;
}

export function trialMetadata(): Buffer {
  const bytes = Buffer.alloc(END);
  bytes.writeUInt32LE(0xe0f5e1e2, SUPERBLOCK);
  bytes.writeUInt8(Math.log2(BLOCK), SUPERBLOCK + 12);
  bytes.writeUInt16LE(numberOf(ROOT), SUPERBLOCK + 14);
  bytes.writeUInt32LE(2, SUPERBLOCK + 16);
  bytes.writeUInt32LE(END / BLOCK, SUPERBLOCK + 36);
  // Files in chunks, and a table of devices.
  bytes.writeUInt32LE(0x4 | 0x8, SUPERBLOCK + 80);
  bytes.writeUInt16LE(1, SUPERBLOCK + 86);
  bytes.writeUInt16LE(DEVICE / 128, SUPERBLOCK + 88);
  bytes.writeUInt32LE(TAR_BLOCKS, DEVICE + 64);
  writeRoot(bytes);
  writeFile(bytes);
  return bytes;
}

/** A compact inode with what is in the directory behind it. */
function writeRoot(bytes: Buffer): void {
  const entries = [
    { name: '.', inode: ROOT, type: DIRECTORY_TYPE },
    { name: '..', inode: ROOT, type: DIRECTORY_TYPE },
    { name: TRIAL_FILE, inode: FILE, type: FILE_TYPE },
  ];
  const start = ROOT + 32;
  let nameAt = entries.length * 12;
  entries.forEach(({ name, inode, type }, index) => {
    const at = start + index * 12;
    bytes.writeUInt32LE(numberOf(inode), at);
    bytes.writeUInt16LE(nameAt, at + 8);
    bytes.writeUInt8(type, at + 10);
    nameAt += bytes.write(name, start + nameAt, 'latin1');
  });
  writeInode(bytes, ROOT, { format: 2 << 1, mode: 0o40755, links: 2, size: nameAt });
}

/** And one whose content is a chunk of the tar. */
function writeFile(bytes: Buffer): void {
  writeInode(bytes, FILE, { format: 4 << 1, mode: 0o100644, links: 1, size: TRIAL_CONTENT.length });
  // Chunks of a block, each with a device and a place in it.
  bytes.writeUInt32LE(0x20, FILE + 16);
  bytes.writeUInt16LE(1, FILE + 32 + 2);
  bytes.writeUInt32LE(DATA_BLOCK, FILE + 32 + 4);
}

interface Inode {
  /** How its content is laid out. */
  readonly format: number;
  readonly mode: number;
  readonly links: number;
  readonly size: number;
}

function writeInode(bytes: Buffer, at: number, { format, mode, links, size }: Inode): void {
  bytes.writeUInt16LE(format, at);
  bytes.writeUInt16LE(mode, at + 4);
  bytes.writeUInt16LE(links, at + 6);
  bytes.writeUInt32LE(size, at + 8);
  bytes.writeUInt32LE(numberOf(at), at + 20);
}
