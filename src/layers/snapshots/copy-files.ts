import { type FileStat, statFile } from '../files/file-stat.js';
import {
  chmodSync,
  constants,
  copyFileSync,
  lchownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { fsPath, type ByteString } from '../../support/byte-string.js';
import { decodeDevice, getXattr, listXattrs, makeNode, S_IFMT } from '../../support/syscalls.js';
import { childPath, hostPath, ROOT } from '../../support/byte-path.js';
import { setMtime, storeXattr } from '../files/file-attributes.js';
import { fileType, timestampOf } from '../files/file-entry.js';
import { isLayerXattr } from '../files/layer-xattrs.js';
import { OWN_XATTR, type Ownership } from '../files/ownership.js';

export interface CopyOptions {
  /** Absolute paths. `to` is an empty directory. */
  readonly from: ByteString;
  readonly to: ByteString;
  readonly ownership: Ownership;
}

/**
 * Copies a whole file system: modes, owners, times, hard links, the extended attributes of layers and our own. Shares blocks where the
 * file system can. Yields the path of every file after it is there, so that the caller may let others run; in the end all
 * files are as they stay, their ctime too.
 */
export function* copyFiles(options: CopyOptions): Generator<ByteString, void, undefined> {
  yield* copyDirectory(options, ROOT, new Map());
}

function* copyDirectory(options: CopyOptions, path: ByteString, links: Map<bigint, ByteString>): Generator<ByteString> {
  const [from, to] = [hostPath(options.from, path), hostPath(options.to, path)];
  for (const name of readdirSync(fsPath(from), 'latin1') as ByteString[]) {
    const [child, source, target] = [childPath(path, name), hostPath(from, name), hostPath(to, name)];
    const stat = statFile(source);
    if (stat === undefined) continue;
    if (stat.isDirectory()) {
      mkdirSync(fsPath(target), 0o700);
      yield* copyDirectory(options, child, links);
    } else {
      copyFile({ source, target, stat, links, ownership: options.ownership });
      yield child;
    }
  }
  const stat = statFile(from);
  if (stat !== undefined) copyAttributes({ source: from, target: to, stat, ownership: options.ownership });
}

interface Copy {
  readonly source: ByteString;
  readonly target: ByteString;
  readonly stat: FileStat;
  readonly ownership: Ownership;
}

function copyFile({ links, ...copy }: Copy & { readonly links: Map<bigint, ByteString> }): void {
  const first = copy.stat.nlink > 1n ? links.get(copy.stat.ino) : undefined;
  if (first !== undefined) {
    linkSync(fsPath(first), fsPath(copy.target));
    return;
  }
  makeFile(copy);
  copyAttributes(copy);
  if (copy.stat.nlink > 1n) links.set(copy.stat.ino, copy.target);
}

function makeFile({ source, target, stat }: Copy): void {
  const device = decodeDevice(stat.rdev);
  switch (fileType(stat)) {
    case 'symlink':
      symlinkSync(readlinkSync(fsPath(source), 'buffer'), fsPath(target));
      break;
    case 'fifo':
      makeNode(target, S_IFMT.fifo, device);
      break;
    case 'character-device':
      makeNode(target, S_IFMT.character, device);
      break;
    case 'block-device':
      makeNode(target, S_IFMT.block, device);
      break;
    case 'socket':
      makeNode(target, S_IFMT.socket, device);
      break;
    default:
      copyFileSync(fsPath(source), fsPath(target), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  }
}

/** Neither chmod(2) nor chown(2) leads anywhere else here: what the path names has just been made. */
function copyAttributes({ source, target, stat, ownership }: Copy): void {
  if (ownership === 'real') lchownSync(fsPath(target), Number(stat.uid), Number(stat.gid));
  if (!stat.isSymbolicLink()) copyXattrs(source, target);
  setMtime(target, timestampOf(stat.mtimeNs));
  if (!stat.isSymbolicLink()) chmodSync(fsPath(target), Number(stat.mode) & 0o7777);
}

function copyXattrs(source: ByteString, target: ByteString): void {
  const names = listXattrs(source).filter((name) => isLayerXattr(name) || name.startsWith(OWN_XATTR));
  // Attributes of users need write permission, which a read-only file denies to its owner too.
  if (names.length > 0) chmodSync(fsPath(target), 0o700);
  for (const name of names) {
    const value = getXattr(source, name);
    if (value !== undefined) storeXattr(target, name, value);
  }
}
