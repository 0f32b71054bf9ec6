import { bytesOfText, type ByteString } from '../../support/byte-string.js';
import { getXattr, listXattrs } from '../../support/syscalls.js';
import { OWN_XATTR } from './ownership.js';

const CAPABILITY = bytesOfText('security.capability');

/**
 * Which extended attributes are part of an image, both ways: file capabilities, and what users set. Labels of security modules
 * belong to a host, `trusted.*` and `user.overlay.*` to its overlays.
 */
export function isLayerXattr(name: ByteString): boolean {
  if (name === CAPABILITY) return true;
  return name.startsWith('user.') && !name.startsWith('user.overlay.') && !name.startsWith(OWN_XATTR);
}

/**
 * Those of a file on the host, not following a symbolic link.
 * @param names of all attributes that the file has, where the caller knows them already
 */
export function readLayerXattrs(
  path: ByteString,
  names: readonly ByteString[] = listXattrs(path),
): ReadonlyMap<ByteString, Uint8Array> {
  const xattrs = new Map<ByteString, Uint8Array>();
  for (const name of names) {
    const value = isLayerXattr(name) ? getXattr(path, name) : undefined;
    if (value !== undefined) xattrs.set(name, portableXattr(name, value));
  }
  return xattrs;
}

/** The value of an attribute of a layer as it is meant on every host, whatever namespace it was set in. */
export function portableXattr(name: ByteString, value: Uint8Array): Uint8Array {
  return name === CAPABILITY ? withoutRootId(Buffer.from(value)) : value;
}

const REVISION_2 = 0x02000000;
const REVISION_3 = 0x03000000;
const REVISION_MASK = 0xff000000;
const REVISION_2_LENGTH = 20;

/** capabilities(7): revision 3 names the user namespace that set it, which no other host knows; revision 2 does not. */
function withoutRootId(value: Buffer): Buffer {
  if (value.length <= REVISION_2_LENGTH) return value;
  const magic = value.readUInt32LE(0);
  if ((magic & REVISION_MASK) >>> 0 !== REVISION_3) return value;
  const rewritten = Buffer.from(value.subarray(0, REVISION_2_LENGTH));
  rewritten.writeUInt32LE(((magic & ~REVISION_MASK) | REVISION_2) >>> 0, 0);
  return rewritten;
}
