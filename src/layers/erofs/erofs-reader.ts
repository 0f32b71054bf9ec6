import type { ByteString } from '../../support/byte-string.js';
import { invariant } from '../../support/invariant.js';
import { typeOfMode } from '../files/file-entry.js';
import type { Timestamp } from '../tar-entry.js';
import type { TreeEntry } from '../tree.js';
import {
  alignUp,
  BLOCK,
  CHUNK,
  COMPACT,
  ENTRY,
  EXTENDED,
  LAYOUT,
  LAYOUT_SHIFT,
  PLACE,
  SLOT,
  SUPERBLOCK,
  XATTR_PREFIXES,
  XATTRS,
} from './erofs-format.js';

/** An inode of an image. */
export interface ErofsFile {
  /** Its `nid`. */
  readonly number: number;
  readonly type: TreeEntry['type'];
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: Timestamp;
  readonly links: number;
  /** What the inode says of its content: a block, the form of its chunks, or the number of a device as the kernel has it. */
  readonly data: number;
  readonly layout: number;
  /** Bytes in the image, of what stands after the inode: its attributes. */
  readonly xattrsAt: number;
  /** And where its inline content, or the places of its chunks, begin. */
  readonly bodyAt: number;
}

const LAYOUT_MASK = 0b111;

/** Reads an image that `writeErofs` made and whose checksum is right. What is known about directories is kept. */
export class ErofsReader {
  readonly #bytes: Buffer;
  readonly #epoch: Timestamp;
  readonly #directories = new Map<number, ReadonlyMap<ByteString, number>>();

  constructor(bytes: Buffer) {
    const { superblock } = PLACE;
    invariant(bytes.readUInt32LE(superblock) === SUPERBLOCK.magic, 'it is an image of EROFS');
    this.#bytes = bytes;
    this.#epoch = { seconds: Number(bytes.readBigInt64LE(superblock + SUPERBLOCK.at.epoch)), nanoseconds: 0 };
  }

  get root(): ErofsFile {
    return this.file(this.#bytes.readUInt16LE(PLACE.superblock + SUPERBLOCK.at.root));
  }

  file(number: number): ErofsFile {
    const at = number * SLOT;
    const format = this.#bytes.readUInt16LE(at);
    const isExtended = (format & 1) === EXTENDED.version;
    const { length } = isExtended ? EXTENDED : COMPACT;
    const mode = this.#bytes.readUInt16LE(at + COMPACT.at.mode);
    const xattrsAt = at + length;
    return {
      number,
      type: typeOfMode(mode),
      mode: mode & 0o7777,
      ...(isExtended ? this.#extended(at) : this.#compact(at)),
      data: this.#bytes.readUInt32LE(at + COMPACT.at.data),
      layout: (format >> LAYOUT_SHIFT) & LAYOUT_MASK,
      xattrsAt,
      bodyAt: xattrsAt + xattrsLength(this.#bytes.readUInt16LE(at + COMPACT.at.xattrs)),
    };
  }

  #compact(at: number): Pick<ErofsFile, 'uid' | 'gid' | 'size' | 'mtime' | 'links'> {
    const { uid, gid, size, links } = COMPACT.at;
    return {
      uid: this.#bytes.readUInt16LE(at + uid),
      gid: this.#bytes.readUInt16LE(at + gid),
      size: this.#bytes.readUInt32LE(at + size),
      links: this.#bytes.readUInt16LE(at + links),
      mtime: this.#epoch,
    };
  }

  #extended(at: number): Pick<ErofsFile, 'uid' | 'gid' | 'size' | 'mtime' | 'links'> {
    const { uid, gid, size, links, seconds, nanoseconds } = EXTENDED.at;
    return {
      uid: this.#bytes.readUInt32LE(at + uid),
      gid: this.#bytes.readUInt32LE(at + gid),
      size: Number(this.#bytes.readBigUInt64LE(at + size)),
      links: this.#bytes.readUInt32LE(at + links),
      mtime: {
        seconds: Number(this.#bytes.readBigInt64LE(at + seconds)),
        nanoseconds: this.#bytes.readUInt32LE(at + nanoseconds),
      },
    };
  }

  /** Of a directory, the numbers of its files by name, without `.` and `..`. */
  entries(directory: ErofsFile): ReadonlyMap<ByteString, number> {
    const known = this.#directories.get(directory.number);
    if (known !== undefined) return known;
    const entries = new Map<ByteString, number>();
    const content = this.content(directory);
    for (let at = 0; at < content.length; at += BLOCK) readEntries(content.subarray(at, at + BLOCK), entries);
    this.#directories.set(directory.number, entries);
    return entries;
  }

  /** Of a directory, a link, or what else has its content in the image. */
  content({ size, data, layout, bodyAt }: ErofsFile): Buffer {
    invariant(layout !== LAYOUT.chunks, 'the content is in the image');
    const start = data * BLOCK;
    if (layout === LAYOUT.plain) return this.#bytes.subarray(start, start + size);
    // The last block, be it full, stands after the inode.
    const inBlocks = (Math.ceil(size / BLOCK) - 1) * BLOCK;
    const tail = this.#bytes.subarray(bodyAt, bodyAt + size - inBlocks);
    return inBlocks <= 0 ? tail : Buffer.concat([this.#bytes.subarray(start, start + inBlocks), tail]);
  }

  /** Where in the tar the content of a file begins, all of which is there in one piece; `undefined` when it is in the image. */
  placeInTar({ layout, bodyAt }: ErofsFile): number | undefined {
    if (layout !== LAYOUT.chunks) return undefined;
    return this.#bytes.readUInt32LE(alignUp(bodyAt, CHUNK.length) + CHUNK.at.block) * BLOCK;
  }

  xattrs({ xattrsAt, bodyAt }: ErofsFile): ReadonlyMap<ByteString, Buffer> {
    const xattrs = new Map<ByteString, Buffer>();
    const { entry, header, align } = XATTRS;
    for (let at = xattrsAt + header; at < bodyAt;) {
      const nameLength = this.#bytes.readUInt8(at + entry.at.nameLength);
      const number = this.#bytes.readUInt8(at + entry.at.prefix);
      const valueAt = at + entry.length + nameLength;
      const end = valueAt + this.#bytes.readUInt16LE(at + entry.at.valueLength);
      const [prefix = ''] = XATTR_PREFIXES.find((each) => each[1] === number) ?? [];
      const name = `${prefix}${this.#bytes.toString('latin1', at + entry.length, valueAt)}` as ByteString;
      xattrs.set(name, this.#bytes.subarray(valueAt, end));
      at = alignUp(end, align);
    }
    return xattrs;
  }
}

/** Of all attributes of an inode, whose count of words takes the header for one. */
function xattrsLength(count: number): number {
  return count === 0 ? 0 : XATTRS.header + (count - 1) * XATTRS.align;
}

/** A name ends where the next begins; the last of a block, at its end or a zero. */
function readEntries(block: Buffer, entries: Map<ByteString, number>): void {
  const count = block.readUInt16LE(ENTRY.at.name) / ENTRY.length;
  for (let index = 0; index < count; index++) {
    const at = index * ENTRY.length;
    const start = block.readUInt16LE(at + ENTRY.at.name);
    const next = index + 1 < count ? block.readUInt16LE(at + ENTRY.length + ENTRY.at.name) : block.length;
    const text = block.toString('latin1', start, next);
    const zero = text.indexOf('\0');
    const name = (zero === -1 ? text : text.slice(0, zero)) as ByteString;
    if (name !== '.' && name !== '..') entries.set(name, block.readUInt32LE(at + ENTRY.at.nid));
  }
}
