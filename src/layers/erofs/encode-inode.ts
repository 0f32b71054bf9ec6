import type { ErofsInode } from './erofs-inode.js';
import { encodeDirectory } from './erofs-directory.js';
import { alignUp, BLOCK, CHUNK, COMPACT, EXTENDED, LAYOUT, LAYOUT_SHIFT, XATTRS } from './erofs-format.js';
import { chunksOf, type InodeLayout } from './inode-layout.js';

export interface PlacedInode {
  readonly inode: ErofsInode;
  readonly layout: InodeLayout;
  /** Of all inodes from 1 on, for programs whose inode numbers have 32 bits. */
  readonly number: number;
  /** Of its content in the image, where it has blocks there. */
  readonly block: number;
}

/** The layer's tar, among the devices of an image. 0 is the image itself. */
const TAR_DEVICE = 1;
const WORD = 4;

/** @param at where in the bytes the inode belongs: these are zeros, up to the end of its layout */
export function encodeInode(bytes: Buffer, at: number, placed: PlacedInode): void {
  const { inode, layout } = placed;
  if (layout.isCompact) encodeCompact(bytes, at, placed);
  else encodeExtended(bytes, at, placed);
  const head = at + (layout.isCompact ? COMPACT.length : EXTENDED.length);
  bytes.set(inode.xattrs, head);
  const end = head + inode.xattrs.length;
  if (layout.inlined > 0) bytes.set(imageContent(inode, layout).subarray(layout.size - layout.inlined), end);
  // Inodes begin at multiples of what chunks align to.
  else if (inode.content.kind === 'tar') encodeChunks(bytes, at + alignUp(end - at, CHUNK.length), inode.content);
}

/** What the image itself holds of a content: that of directories and links. */
export function imageContent({ content }: ErofsInode, { size }: InodeLayout): Buffer {
  if (content.kind === 'directory') return encodeDirectory(content, size);
  return Buffer.from(content.kind === 'link' ? content.target : '', 'latin1');
}

function encodeCompact(bytes: Buffer, at: number, placed: PlacedInode): void {
  const { inode, layout, number } = placed;
  const field = COMPACT.at;
  encodeCommon(bytes, at, { placed, version: COMPACT.version });
  bytes.writeUInt16LE(inode.links, at + field.links);
  bytes.writeUInt32LE(layout.size, at + field.size);
  bytes.writeUInt32LE(dataField(placed), at + field.data);
  bytes.writeUInt32LE(number, at + field.number);
  bytes.writeUInt16LE(inode.uid, at + field.uid);
  bytes.writeUInt16LE(inode.gid, at + field.gid);
}

function encodeExtended(bytes: Buffer, at: number, placed: PlacedInode): void {
  const { inode, layout, number } = placed;
  const field = EXTENDED.at;
  encodeCommon(bytes, at, { placed, version: EXTENDED.version });
  write64(bytes, layout.size, at + field.size);
  bytes.writeUInt32LE(dataField(placed), at + field.data);
  bytes.writeUInt32LE(number, at + field.number);
  bytes.writeUInt32LE(inode.uid, at + field.uid);
  bytes.writeUInt32LE(inode.gid, at + field.gid);
  write64(bytes, inode.mtime.seconds, at + field.seconds);
  bytes.writeUInt32LE(inode.mtime.nanoseconds, at + field.nanoseconds);
  bytes.writeUInt32LE(inode.links, at + field.links);
}

const HALF = 2 ** 32;

/** A safe integer of either sign. Big integers take ten times as long, of a number that every file has twice. */
function write64(bytes: Buffer, value: number, at: number): void {
  const high = Math.floor(value / HALF);
  bytes.writeUInt32LE(value - high * HALF, at);
  bytes.writeInt32LE(high, at + WORD);
}

function encodeCommon(
  bytes: Buffer,
  at: number,
  { placed, version }: { readonly placed: PlacedInode; readonly version: number },
): void {
  const { inode, layout } = placed;
  const { xattrs } = inode;
  bytes.writeUInt16LE(version | (layout.layout << LAYOUT_SHIFT), at + COMPACT.at.format);
  const words = xattrs.length === 0 ? 0 : 1 + (xattrs.length - XATTRS.header) / WORD;
  bytes.writeUInt16LE(words, at + COMPACT.at.xattrs);
  bytes.writeUInt16LE(inode.mode, at + COMPACT.at.mode);
}

/** One word that means something else for each kind of content. */
function dataField({ inode: { content }, layout, block }: PlacedInode): number {
  if (content.kind === 'device') return content.number;
  if (layout.layout === LAYOUT.chunks) return CHUNK.indexed | chunksOf(layout.size).bits;
  return layout.size > layout.inlined ? block : 0;
}

function encodeChunks(bytes: Buffer, at: number, content: { readonly offset: number; readonly size: number }): void {
  const { bits, count } = chunksOf(content.size);
  for (let chunk = 0; chunk < count; chunk++) {
    const place = at + chunk * CHUNK.length;
    bytes.writeUInt16LE(TAR_DEVICE, place + CHUNK.at.device);
    bytes.writeUInt32LE(content.offset / BLOCK + chunk * 2 ** bits, place + CHUNK.at.block);
  }
}
