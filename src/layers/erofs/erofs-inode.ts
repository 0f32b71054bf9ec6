import type { ByteString } from '../../support/byte-string.js';
import { encodeDevice, S_IFMT } from '../../support/syscalls.js';
import { DEVICE_XATTR } from '../files/ownership.js';
import { treeEntryOf, xattrsOf, type FileNode } from '../index/file-node.js';
import { OPAQUE_VALUE } from '../layers-tree.js';
import type { IndexedFile } from '../index/layer-index.js';
import type { TarEntry, Timestamp } from '../tar-entry.js';
import type { TreeEntry } from '../tree.js';
import type { FILE_TYPES } from './erofs-format.js';
import { encodeXattrs } from './erofs-xattrs.js';

/** A file of an image that is being made. */
export interface ErofsInode {
  readonly type: keyof typeof FILE_TYPES;
  /** With the bits that say its type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Timestamp;
  readonly xattrs: Buffer;
  readonly content: ErofsContent;
  /** Names that it has; of a directory, with its own `.` and the `..` of those in it. */
  links: number;
  /** Where in the image it is: a multiple of `SLOT`. */
  at: number;
}

export type ErofsContent =
  | { readonly kind: 'none' }
  | { readonly kind: 'device'; readonly number: number }
  /** Bytes of the layer's tar. */
  | { readonly kind: 'tar'; readonly offset: number; readonly size: number }
  | { readonly kind: 'link'; readonly target: ByteString }
  /** Of the same length, once its entries are known. */
  | { readonly kind: 'directory'; readonly names: ByteString[]; readonly inodes: ErofsInode[] };

const TYPE_BITS: Readonly<Record<ErofsInode['type'], number>> = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  'character-device': S_IFMT.character,
  'block-device': S_IFMT.block,
  fifo: S_IFMT.fifo,
  socket: S_IFMT.socket,
};
const NONE = { kind: 'none' } as const;

/** @param opaqueXattr overlayfs's mark on directories that hide what is below them */
export function inodeOf(node: FileNode, opaqueXattr: ByteString): ErofsInode {
  if (node.kind === 'whiteout') return whiteout();
  if (node.kind === 'file' && 'file' in node.look && node.look.file.type === 'file') {
    return fileInode(node, node.look.file);
  }
  const entry = treeEntryOf(node);
  const { mode, uid, gid, mtime } = entry;
  const held = isPlaceholder(entry) ? placeholder(entry) : { ...contentOf(entry), xattrs: xattrsOf(node) };
  const xattrs = node.opaque ? new Map(held.xattrs).set(opaqueXattr, OPAQUE_VALUE) : held.xattrs;
  return {
    type: held.type,
    mode: TYPE_BITS[held.type] | mode,
    uid,
    gid,
    mtime,
    xattrs: encodeXattrs(xattrs),
    content: held.content,
    links: 0,
    at: 0,
  };
}

/** What most are: this takes a third of the time. */
function fileInode(node: FileNode, file: IndexedFile): ErofsInode {
  const { mode, uid, gid, size, offset } = file;
  return {
    type: 'file',
    mode: TYPE_BITS.file | mode,
    uid,
    gid,
    mtime: file,
    xattrs: encodeXattrs(xattrsOf(node)),
    content: size === 0 ? NONE : { kind: 'tar', offset, size },
    links: 0,
    at: 0,
  };
}

/** How overlayfs marks a file of a lower layer as deleted. Nobody ever sees more of it. */
function whiteout(): ErofsInode {
  return {
    type: 'character-device',
    mode: S_IFMT.character,
    uid: 0,
    gid: 0,
    mtime: { seconds: 0, nanoseconds: 0 },
    xattrs: Buffer.alloc(0),
    content: NONE,
    links: 0,
    at: 0,
  };
}

interface Held {
  readonly type: ErofsInode['type'];
  readonly content: ErofsContent;
  readonly xattrs: TarEntry['xattrs'];
}

/** The device 0:0 is how overlayfs writes whiteouts: one of a layer is an empty file with a note, as when it is unpacked. */
function isPlaceholder({ device }: TreeEntry): boolean {
  return device?.major === 0 && device.minor === 0;
}

function placeholder({ type }: TreeEntry): Held {
  return { type: 'file', content: NONE, xattrs: new Map([[DEVICE_XATTR, Buffer.from(`${type}:0:0`)]]) };
}

function contentOf({ type, linkTarget, device }: TreeEntry): Omit<Held, 'xattrs'> {
  if (type === 'directory') return { type, content: { kind: 'directory', names: [], inodes: [] } };
  if (linkTarget !== undefined) return { type, content: { kind: 'link', target: linkTarget } };
  if (device !== undefined) {
    return { type, content: { kind: 'device', number: Number(encodeDevice(device.major, device.minor)) } };
  }
  return { type, content: NONE };
}
