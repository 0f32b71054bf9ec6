import { chmodSync, fchmodSync, fchownSync, futimesSync, lchownSync, lutimesSync } from 'node:fs';
import { fsPath, textOfBytes, type ByteString } from '../../support/byte-string.js';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';
import { removeXattr, setDescriptorTimes, setTimes, setXattr } from '../../support/syscalls.js';
import type { TarEntry, Timestamp } from '../tar-entry.js';
import { isLayerXattr, portableXattr, readLayerXattrs } from './layer-xattrs.js';
import { formatOwner, OWNER_XATTR, type Owner, type Ownership } from './ownership.js';

export type FileAttributes = Pick<TarEntry, 'path' | 'mode' | 'uid' | 'gid' | 'mtime' | 'xattrs'>;

export interface AttributeWriting {
  /** `caller`: they are whose process this is, whoever's they were. */
  readonly ownership: Ownership | 'caller';
  /** Receives, by path in the layer, the recorded owners of files that can have no attributes of users. */
  readonly owners: Map<ByteString, Owner>;
}

/**
 * Sets everything on a regular file that is still open. In this order: chown(2) takes away setuid bits and capabilities, and
 * attributes of users need write permission.
 */
export function setFileAttributes(path: ByteString, descriptor: number, [attributes, writing]: Args): void {
  if (writing.ownership === 'real')
    asOwner(attributes, () => {
      fchownSync(descriptor, attributes.uid, attributes.gid);
    });
  else if (writing.ownership === 'recorded') recordOwner(path, attributes);
  writeXattrs(path, attributes.xattrs);
  fchmodSync(descriptor, attributes.mode);
  const { mtime } = attributes;
  if (isForNode(mtime)) futimesSync(descriptor, mtime.seconds, mtime.seconds);
  else setDescriptorTimes(descriptor, mtime);
}

type Args = readonly [attributes: FileAttributes, writing: AttributeWriting];

/** `path` is the directory's own, of a form that no symbolic link can take the place of. */
export function setDirectoryAttributes(path: ByteString, [attributes, writing]: Args): void {
  if (writing.ownership === 'real') setOwner(path, attributes);
  else if (writing.ownership === 'recorded') {
    if (isRoot(attributes)) clearXattr(path, OWNER_XATTR);
    else recordOwner(path, attributes);
  }
  // The directory may be one of a lower layer, with attributes that this one takes away.
  for (const name of readLayerXattrs(path).keys()) if (!attributes.xattrs.has(name)) removeXattr(path, name);
  writeXattrs(path, attributes.xattrs);
  setMtime(path, attributes.mtime);
  // Last: with its own mode the directory may be closed to its owner.
  chmodSync(fsPath(path), attributes.mode);
}

/** For links, fifos and devices that this process has just made. */
export function setSpecialAttributes(
  path: ByteString,
  [attributes, writing]: Args,
  options: { readonly chmod: boolean },
): void {
  if (writing.ownership === 'real') setOwner(path, attributes);
  else if (isRoot(attributes) || writing.ownership === 'caller') writing.owners.delete(attributes.path);
  else writing.owners.set(attributes.path, { uid: attributes.uid, gid: attributes.gid });
  // Not for links: chmod(2) would change what they lead to.
  if (options.chmod) chmodSync(fsPath(path), attributes.mode);
  setMtime(path, attributes.mtime);
}

/** Node keeps microseconds only, and takes a negative number for "now". */
function isForNode({ seconds, nanoseconds }: Timestamp): boolean {
  return nanoseconds === 0 && seconds >= 0;
}

export function setMtime(path: ByteString, mtime: Timestamp): void {
  if (isForNode(mtime)) lutimesSync(fsPath(path), mtime.seconds, mtime.seconds);
  else setTimes(path, mtime);
}

function setOwner(path: ByteString, attributes: FileAttributes): void {
  asOwner(attributes, () => {
    lchownSync(fsPath(path), attributes.uid, attributes.gid);
  });
}

/** Root's is what a file without a note has. */
function recordOwner(path: ByteString, owner: Owner): void {
  if (!isRoot(owner)) storeXattr(path, OWNER_XATTR, Buffer.from(formatOwner(owner)));
}

function isRoot({ uid, gid }: Owner): boolean {
  return uid === 0 && gid === 0;
}

function clearXattr(path: ByteString, name: ByteString): void {
  try {
    removeXattr(path, name);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== 'ENODATA' && code !== 'EOPNOTSUPP' && code !== 'ENOTSUP') throw error;
  }
}

function writeXattrs(path: ByteString, xattrs: ReadonlyMap<ByteString, Uint8Array>): void {
  for (const [name, value] of xattrs) if (isLayerXattr(name)) storeXattr(path, name, portableXattr(name, value));
}

/** @throws `STORE_IO` where the file system of the store keeps no such attributes */
export function storeXattr(path: ByteString, name: ByteString, value: Uint8Array): void {
  try {
    setXattr(path, name, value);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== 'EOPNOTSUPP' && code !== 'ENOTSUP' && code !== 'EPERM') throw error;
    throw new TsbuildError('STORE_IO', `cannot keep extended attribute "${textOfBytes(name)}": ${code}`, {
      hint: 'Put the store on a file system where you may set extended attributes, such as ext4, xfs or btrfs.',
      cause: error,
    });
  }
}

function asOwner({ uid, gid }: Owner, chown: () => void): void {
  try {
    chown();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== 'EINVAL' && code !== 'EPERM') throw error;
    throw new TsbuildError('STORE_IO', `cannot give a file to owner "${uid}:${gid}": ${code}`, {
      hint: 'Your user namespace has no such id: have more ids assigned to you in /etc/subuid and /etc/subgid.',
      cause: error,
    });
  }
}
