import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import { fsPath, textOfBytes, type ByteString } from '../../support/byte-string.js';
import { TsbuildError } from '../../support/errors.js';
import { decodeDevice, getXattr } from '../../support/syscalls.js';
import type { Timestamp } from '../tar-entry.js';
import type { FileStat } from './file-stat.js';
import type { TreeEntry } from '../tree.js';
import { DEVICE_XATTR, OWNER_XATTR, parseOwner, type Owner, type Ownership } from './ownership.js';

export interface FileReading {
  /** Whose notes about owners and devices to heed; `none` for folders that are not ours. */
  readonly ownership: Ownership | 'none';
  /** What is recorded beside the snapshot about this file. */
  readonly owner?: Owner | undefined;
}

const NANOSECONDS = 1_000_000_000n;
const CHUNK = 256 * 1024;

const TYPES: ReadonlyMap<number, TreeEntry['type']> = new Map([
  [constants.S_IFREG, 'file'],
  [constants.S_IFDIR, 'directory'],
  [constants.S_IFLNK, 'symlink'],
  [constants.S_IFCHR, 'character-device'],
  [constants.S_IFBLK, 'block-device'],
  [constants.S_IFIFO, 'fifo'],
]);

/** What a tree says about a file on the host. */
export function fileEntry(path: ByteString, stat: FileStat, reading: FileReading): TreeEntry {
  const device = readPlaceholder(path, stat, reading);
  const type = device?.type ?? fileType(stat);
  const owner = ownerOf(path, stat, reading);
  return {
    type,
    mode: Number(stat.mode) & 0o7777,
    uid: owner.uid,
    gid: owner.gid,
    size: type === 'file' ? Number(stat.size) : 0,
    mtime: timestampOf(stat.mtimeNs),
    inode: type === 'directory' || stat.nlink === 1n ? null : `${stat.dev}:${stat.ino}`,
    ...(type === 'symlink' ? { linkTarget: readlinkSync(fsPath(path), 'latin1') as ByteString } : {}),
    ...(type.endsWith('-device') ? { device: device ?? decodeDevice(stat.rdev) } : {}),
  };
}

export function fileType(stat: FileStat): TreeEntry['type'] {
  return typeOfMode(Number(stat.mode));
}

/** By the bits of a mode that say it. */
export function typeOfMode(mode: number): TreeEntry['type'] {
  return TYPES.get(mode & constants.S_IFMT) ?? 'socket';
}

/** How overlayfs marks a file of a lower layer as deleted. */
export function isWhiteout(stat: FileStat): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0n;
}

export function timestampOf(nanoseconds: bigint): Timestamp {
  const rest = ((nanoseconds % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  return { seconds: Number((nanoseconds - rest) / NANOSECONDS), nanoseconds: Number(rest) };
}

function ownerOf(path: ByteString, stat: FileStat, { ownership, owner }: FileReading): Owner {
  if (ownership !== 'recorded') return { uid: Number(stat.uid), gid: Number(stat.gid) };
  if (owner !== undefined) return owner;
  const recorded = stat.isFile() || stat.isDirectory() ? getXattr(path, OWNER_XATTR) : undefined;
  return (recorded === undefined ? undefined : parseOwner(recorded.toString('latin1'))) ?? { uid: 0, gid: 0 };
}

export interface Placeholder {
  readonly type: 'character-device' | 'block-device';
  readonly major: number;
  readonly minor: number;
}

function readPlaceholder(path: ByteString, stat: FileStat, { ownership }: FileReading): Placeholder | undefined {
  if (ownership === 'none' || stat.size !== 0n || !stat.isFile()) return undefined;
  return parsePlaceholder(getXattr(path, DEVICE_XATTR));
}

/** Of an empty file that stands for a device which may not be made: what its attribute says. */
export function parsePlaceholder(attribute: Buffer | undefined): Placeholder | undefined {
  const [type, ...numbers] = attribute?.toString('latin1').split(':') ?? [];
  if (type !== 'character-device' && type !== 'block-device') return undefined;
  const [major = 0, minor = 0] = numbers.map(Number);
  return { type, major, minor };
}

/**
 * The content of a regular file, not following a symbolic link. A chunk is valid until the next is asked for.
 * @throws `STORE_IO` when something else is in its place; system errors
 */
export function* readFile(path: ByteString): Generator<Uint8Array, void, undefined> {
  // Without O_NONBLOCK, to open a fifo that has taken the place of a file would wait for ever.
  const descriptor = openSync(fsPath(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const buffer = spareBuffers.pop() ?? Buffer.allocUnsafeSlow(CHUNK);
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) {
      throw new TsbuildError('STORE_IO', `cannot read file "${textOfBytes(path)}": it is no regular file any more`);
    }
    // The end is where it was when the file was opened, but for files that the kernel makes up, which have no size: to be told that
    // there is nothing more takes as long as reading a small file.
    const size = stat.size === 0 ? Infinity : stat.size;
    for (let seen = 0; seen < size;) {
      const count = readSync(descriptor, buffer, 0, buffer.length, null);
      if (count === 0) return;
      yield buffer.subarray(0, count);
      seen += count;
    }
  } finally {
    closeSync(descriptor);
    if (spareBuffers.length < SPARE_BUFFERS) spareBuffers.push(buffer);
  }
}

/** A buffer made for every small file costs as much as reading it. */
const spareBuffers: Buffer[] = [];
const SPARE_BUFFERS = 4;
