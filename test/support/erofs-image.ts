import { createHash } from 'node:crypto';
import type { FileNode } from '../../src/layers/index/file-node.js';
import type { IndexedFile } from '../../src/layers/index/layer-index.js';
import { LayerContent } from '../../src/layers/index/layer-content.js';
import type { TarEntry } from '../../src/layers/tar-entry.js';
import { digestOf } from '../../src/oci/digest.js';
import type { Layer } from '../../src/oci/layer.js';
import type { ByteString } from '../../src/support/byte-string.js';
import { crc32c } from '../../src/support/crc32c.js';

// Reads EROFS images as fs/erofs of Linux does, and is stricter: what a kernel would pass over fails here.

/** An inode as it stands in an image. */
export interface ImageInode {
  readonly nid: number;
  readonly isCompact: boolean;
  readonly layout: 'plain' | 'inline' | 'chunks';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly links: number;
  readonly device: { readonly major: number; readonly minor: number };
  readonly xattrs: TarEntry['xattrs'];
  /** Of a file: blocks of the tar, in turn. */
  readonly chunks: readonly { readonly block: number; readonly bytes: number }[];
  /** Of a directory or a link. */
  readonly content: Buffer;
}

export interface ErofsImage {
  readonly uuid: string;
  readonly tarBlocks: number;
  readonly inodes: number;
  readonly root: ImageInode;
  /** Sorted, without `.` and `..`. */
  entries(directory: ImageInode): readonly (readonly [name: ByteString, inode: ImageInode])[];
}

const BLOCK = 512;
const SLOT = 32;
const SUPERBLOCK = 1024;
const LAYOUTS = ['plain', undefined, 'inline', undefined, 'chunks'] as const;
const PREFIXES: Readonly<Record<number, string>> = { 1: 'user.', 4: 'trusted.', 6: 'security.' };
const DIRECTORY = 0o040000;
const TYPES: readonly (readonly [bits: number, type: IndexedFile['type'], number: number])[] = [
  [0o100000, 'file', 1],
  [DIRECTORY, 'directory', 2],
  [0o020000, 'character-device', 3],
  [0o060000, 'block-device', 4],
  [0o010000, 'fifo', 5],
  [0o120000, 'symlink', 7],
];

function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`the image is wrong: ${what}`);
}

/** @param file with its seal */
export function openErofs(file: Buffer): ErofsImage {
  const image = file.subarray(0, -BLOCK);
  check(image.length % BLOCK === 0, 'it ends within a block');
  const seal = `tsbuild erofs 1\n${createHash('sha256').update(image).digest('hex')}\n`;
  check(file.toString('latin1', image.length, image.length + seal.length) === seal, 'it has another seal');
  const own = Buffer.from(image.subarray(SUPERBLOCK, SUPERBLOCK + BLOCK));
  check(own.readUInt32LE(0) === 0xe0f5e1e2, 'it has another magic number');
  const checksum = own.readUInt32LE(4);
  own.writeUInt32LE(0, 4);
  check(checksum === crc32c(own), 'the checksum of its superblock');
  check(own.readUInt32LE(8) === 3 && own.readUInt32LE(80) === 12, 'features');
  check(own.readUInt8(12) === 9, 'blocks are not of 512 bytes');
  check(own.readUInt32LE(36) === image.length / BLOCK, 'the number of its blocks');
  check(own.readUInt16LE(86) === 1 && own.readUInt16LE(88) * 128 === SUPERBLOCK + 128, 'the device table');
  const epoch = Number(own.readBigInt64LE(24));
  const known = new Map<number, ImageInode>();
  const inode = (nid: number): ImageInode => {
    const found = known.get(nid) ?? readInode(image, nid, epoch);
    known.set(nid, found);
    return found;
  };
  return {
    uuid: own.toString('hex', 48, 64),
    tarBlocks: own.readUInt32LE(128 + 64),
    inodes: Number(own.readBigUInt64LE(16)),
    root: inode(own.readUInt16LE(14)),
    entries: (directory) => readDirectory(directory, inode),
  };
}

function readInode(image: Buffer, nid: number, epoch: number): ImageInode {
  const at = nid * SLOT;
  const format = image.readUInt16LE(at);
  const isCompact = (format & 1) === 0;
  const layout = LAYOUTS[format >> 1];
  check(layout !== undefined, `the layout of inode ${nid}`);
  const size = isCompact ? image.readUInt32LE(at + 8) : Number(image.readBigUInt64LE(at + 8));
  const words = image.readUInt16LE(at + 2);
  const xattrsAt = at + (isCompact ? 32 : 64);
  const end = xattrsAt + (words === 0 ? 0 : 12 + 4 * (words - 1));
  const field = image.readUInt32LE(at + 16);
  const mode = image.readUInt16LE(at + 4);
  return {
    nid,
    isCompact,
    layout,
    mode,
    size,
    uid: isCompact ? image.readUInt16LE(at + 24) : image.readUInt32LE(at + 24),
    gid: isCompact ? image.readUInt16LE(at + 26) : image.readUInt32LE(at + 28),
    seconds: isCompact ? epoch : Number(image.readBigInt64LE(at + 32)),
    nanoseconds: isCompact ? 0 : image.readUInt32LE(at + 40),
    links: isCompact ? image.readUInt16LE(at + 6) : image.readUInt32LE(at + 44),
    device: { major: (field >>> 8) & 0xfff, minor: (field & 0xff) | ((field >>> 12) & 0xfff00) },
    xattrs: readXattrs(image.subarray(xattrsAt, end)),
    chunks: layout === 'chunks' ? readChunks(image, end, { format: field & 0xffff, size }) : [],
    content: layout === 'chunks' ? Buffer.alloc(0) : readContent(image, end, { layout, size, block: field }),
  };
}

function readContent(
  image: Buffer,
  end: number,
  { layout, size, block }: { readonly layout: string; readonly size: number; readonly block: number },
): Buffer {
  const tail = layout === 'inline' ? size % BLOCK : 0;
  check(layout !== 'inline' || tail > 0, 'an end of no bytes after an inode');
  check((end % BLOCK) + tail <= BLOCK, 'the end of a content crosses a block');
  const start = block * BLOCK;
  const content = Buffer.concat([image.subarray(start, start + size - tail), image.subarray(end, end + tail)]);
  check(size === tail || (start > end && content.length === size), 'a content has not all of its blocks');
  return content;
}

function readChunks(
  image: Buffer,
  end: number,
  { format, size }: { readonly format: number; readonly size: number },
): ImageInode['chunks'] {
  check((format & ~0x3f) === 0 && (format & 0x20) !== 0, 'a format of chunks');
  const chunk = BLOCK * 2 ** (format & 0x1f);
  const first = Math.ceil(end / 8) * 8;
  return Array.from({ length: Math.ceil(size / chunk) }, (_, index) => {
    const at = first + 8 * index;
    check(image.readUInt16LE(at) === 0 && image.readUInt16LE(at + 2) === 1, 'a chunk of another device');
    return { block: image.readUInt32LE(at + 4), bytes: Math.min(chunk, size - index * chunk) };
  });
}

function readXattrs(body: Buffer): TarEntry['xattrs'] {
  const xattrs = new Map<ByteString, Uint8Array>();
  for (let at = 12; at < body.length;) {
    const [nameLength, prefix, length] = [body.readUInt8(at), body.readUInt8(at + 1), body.readUInt16LE(at + 2)];
    const valueAt = at + 4 + nameLength;
    const name = `${PREFIXES[prefix] ?? '?'}${body.toString('latin1', at + 4, valueAt)}`;
    check(valueAt + length <= body.length, 'an attribute is longer than all of them');
    xattrs.set(name as ByteString, body.subarray(valueAt, valueAt + length));
    at = Math.ceil((valueAt + length) / 4) * 4;
  }
  return xattrs;
}

function readDirectory(directory: ImageInode, inode: (nid: number) => ImageInode): ReturnType<ErofsImage['entries']> {
  const found: (readonly [ByteString, ImageInode])[] = [];
  const { content } = directory;
  for (let start = 0; start < content.length; start += BLOCK) {
    found.push(...readBlock(content.subarray(start, start + BLOCK), inode));
  }
  for (const [index, [name]] of found.entries()) {
    check(index === 0 || (found[index - 1]?.[0] ?? '') < name, `"${name}" is not in its place`);
  }
  const own = found.filter(([name]) => name === '.');
  check(own.length === 1 && own[0]?.[1].nid === directory.nid, 'a directory does not have itself');
  check(found.filter(([name]) => name === '..').length === 1, 'a directory has no parent');
  return found.filter(([name]) => name !== '.' && name !== '..');
}

function readBlock(block: Buffer, inode: (nid: number) => ImageInode): (readonly [ByteString, ImageInode])[] {
  const names = block.readUInt16LE(8);
  check(names > 0 && names % 12 === 0, 'the entries of a block');
  return Array.from({ length: names / 12 }, (_, index) => {
    const at = 12 * index;
    const from = block.readUInt16LE(at + 8);
    const next = at + 12 < names ? block.readUInt16LE(at + 12 + 8) : undefined;
    // The last name of a block ends with it, or with a zero.
    const name = block.toString('latin1', from, next ?? block.length).replace(/\0+$/, '');
    const found = inode(Number(block.readBigUInt64LE(at)));
    check(name.length > 0 && name.length <= 255 && !name.includes('\0'), `the name "${name}"`);
    check(typeOf(found).number === block.readUInt8(at + 10), `the type of "${name}"`);
    return [name as ByteString, found];
  });
}

function typeOf({ mode }: ImageInode): { readonly type: IndexedFile['type']; readonly number: number } {
  const [, type, number] = TYPES.find(([bits]) => bits === (mode & 0o170000)) ?? [];
  check(type !== undefined && number !== undefined, `the mode ${mode.toString(8)}`);
  return { type, number };
}

const OPAQUE = ['trusted.overlay.opaque', 'user.overlay.opaque'] as ByteString[];

/**
 * What an image adds to layers below it, as nodes of a tree, once it has been found right: each inode has as many names as it
 * says, and there are as many inodes.
 */
export function nodesOfErofs(file: Buffer, tar: Buffer): FileNode {
  const image = openErofs(file);
  const names = new Map<number, number>();
  const nodes = new Map<number, FileNode>();
  const visit = (inode: ImageInode): FileNode => {
    names.set(inode.nid, (names.get(inode.nid) ?? 0) + 1);
    const known = nodes.get(inode.nid);
    if (known !== undefined) return known;
    const children = (inode.mode & 0o170000) === DIRECTORY ? image.entries(inode) : undefined;
    const node = nodeOf(inode, { tar, children: children?.map(([name, child]) => [name, visit(child)] as const) });
    nodes.set(inode.nid, node);
    const directories = children?.filter(([, { mode }]) => (mode & 0o170000) === DIRECTORY) ?? [];
    if (children !== undefined) check(inode.links === 2 + directories.length, `the links of directory ${inode.nid}`);
    else linked.push(inode);
    return node;
  };
  const linked: ImageInode[] = [];
  const root = visit(image.root);
  for (const { nid, links } of linked) check(names.get(nid) === links, `the names of inode ${nid}`);
  check(names.size === image.inodes, 'the number of inodes');
  check(image.tarBlocks === Math.ceil(tar.length / BLOCK), 'the size of the tar');
  return root;
}

interface Around {
  readonly tar: Buffer;
  readonly children: readonly (readonly [ByteString, FileNode])[] | undefined;
}

function nodeOf(inode: ImageInode, { tar, children }: Around): FileNode {
  const { type } = typeOf(inode);
  const { major, minor } = inode.device;
  const isWhiteout = type === 'character-device' && major === 0 && minor === 0;
  const xattrs = new Map([...inode.xattrs].filter(([name]) => !OPAQUE.includes(name)));
  return {
    kind: isWhiteout ? 'whiteout' : type === 'directory' ? 'directory' : 'file',
    look: { file: fileOf(inode, { xattrs, tar }), content: CONTENT },
    children: children === undefined ? undefined : new Map(children),
    opaque: xattrs.size < inode.xattrs.size,
    inode: inode.links > 1 && type !== 'directory' ? `${digestOf(tar)} ${inode.nid}` : null,
  };
}

function fileOf(
  inode: ImageInode,
  { xattrs, tar }: { readonly xattrs: TarEntry['xattrs']; readonly tar: Buffer },
): IndexedFile {
  const noted = /^(character|block)-device:/.exec(Buffer.from(xattrs.get(DEVICE) ?? '').toString())?.[1];
  if (noted !== undefined) return { ...fileOf(inode, { xattrs: new Map(), tar }), ...noDevice(noted) };
  const { type } = typeOf(inode);
  const { mode, uid, gid, seconds, nanoseconds, size, content, chunks } = inode;
  const parts = chunks.map(({ block, bytes }) => tar.subarray(block * BLOCK, block * BLOCK + bytes));
  return {
    parent: '' as ByteString,
    name: '' as ByteString,
    type,
    mode: mode & 0o7777,
    uid,
    gid,
    seconds,
    nanoseconds,
    size: type === 'file' ? size : 0,
    offset: 0,
    linkTarget: type === 'symlink' ? (content.toString('latin1') as ByteString) : undefined,
    device: type.endsWith('-device') ? inode.device : undefined,
    xattrs,
    extents: undefined,
    kept: type === 'file' ? Buffer.concat(parts) : undefined,
  };
}

const DEVICE = 'user.tsbuild.device' as ByteString;

/** The device 0:0, which an empty file stands for. */
function noDevice(kind: string): Pick<IndexedFile, 'type' | 'device' | 'kept'> {
  const type = kind === 'character' ? 'character-device' : 'block-device';
  return { type, device: { major: 0, minor: 0 }, kept: undefined };
}

const CONTENT = new LayerContent({ layer: { diffId: digestOf('') } as Layer, tarSize: 0 }, undefined);
