import { bytesOfText, type ByteString } from '../../support/byte-string.js';

/**
 * Where the owners of files are: in the file system, or recorded beside it.
 *
 * A user namespace with a single id mapped lets nobody chown to another: there every file is root's, and its true owner, when it
 * is another, stands in the extended attribute `user.tsbuild.owner` as `uid:gid`. Links, fifos and devices can have no such
 * attribute: theirs are in a map that is kept beside the snapshot.
 */
export type Ownership = 'real' | 'recorded';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** By path in one layer directory. */
export type OwnerMap = ReadonlyMap<ByteString, Owner>;

/** Our own attributes never come from a layer and never go into one. */
export const OWN_XATTR = 'user.tsbuild.';
export const OWNER_XATTR: ByteString = bytesOfText(`${OWN_XATTR}owner`);
/** On an empty file that stands for a device which this user namespace may not make: `character-device:1:3`. */
export const DEVICE_XATTR: ByteString = bytesOfText(`${OWN_XATTR}device`);

export function formatOwner({ uid, gid }: Owner): string {
  return `${uid}:${gid}`;
}

export function parseOwner(text: string): Owner | undefined {
  const match = /^([0-9]{1,10}):([0-9]{1,10})$/.exec(text);
  return match === null ? undefined : { uid: Number(match[1]), gid: Number(match[2]) };
}
