import { compareBytes, type ByteString } from '../../support/byte-string.js';
import { invariant } from '../../support/invariant.js';
import type { TarEntry } from '../tar-entry.js';
import { alignUp, XATTR_PREFIXES, XATTRS } from './erofs-format.js';

const NONE = Buffer.alloc(0);

/** What stands after an inode that has attributes: a header, and each in turn. Empty when there are none. */
export function encodeXattrs(xattrs: TarEntry['xattrs']): Buffer {
  if (xattrs.size === 0) return NONE;
  const body = Buffer.alloc(xattrsLength(xattrs));
  let at: number = XATTRS.header;
  for (const [name, value] of [...xattrs].sort(([a], [b]) => compareBytes(a, b))) {
    const { prefix, rest } = splitName(name);
    const { entry } = XATTRS;
    body.writeUInt8(rest.length, at + entry.at.nameLength);
    body.writeUInt8(prefix, at + entry.at.prefix);
    body.writeUInt16LE(value.byteLength, at + entry.at.valueLength);
    body.write(rest, at + entry.length, 'latin1');
    body.set(value, at + entry.length + rest.length);
    at += entryLength(rest, value);
  }
  return body;
}

/** Why these attributes cannot be kept. */
export function xattrsShortcoming(xattrs: TarEntry['xattrs']): string | undefined {
  for (const [name, value] of xattrs) {
    if (!XATTR_PREFIXES.some(([prefix]) => name.startsWith(prefix))) return 'an attribute of a kind that is unknown';
    if (splitName(name).rest.length > XATTRS.maxName) return `an attribute whose name is over ${XATTRS.maxName} bytes`;
    if (value.byteLength > XATTRS.maxValue) return `an attribute of over ${XATTRS.maxValue} bytes`;
  }
  return xattrsLength(xattrs) > XATTRS.maxLength ? `attributes of over ${XATTRS.maxLength} bytes together` : undefined;
}

function xattrsLength(xattrs: TarEntry['xattrs']): number {
  let length: number = XATTRS.header;
  for (const [name, value] of xattrs) length += entryLength(splitName(name).rest, value);
  return length;
}

function entryLength(rest: string, value: Uint8Array): number {
  return alignUp(XATTRS.entry.length + rest.length + value.byteLength, XATTRS.align);
}

function splitName(name: ByteString): { readonly prefix: number; readonly rest: string } {
  const found = XATTR_PREFIXES.find(([prefix]) => name.startsWith(prefix));
  invariant(found !== undefined, `attributes of a layer are not called "${name}"`);
  return { prefix: found[1], rest: name.slice(found[0].length) };
}
