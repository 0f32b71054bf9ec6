import type { ByteString } from '../../support/byte-string.js';
import {
  BLOCK,
  FIELD,
  headerChecksum,
  invalidTar,
  signedHeaderChecksum,
  TYPE_OFFSET,
  USTAR_MAGIC,
  type FieldName,
} from './tar-format.js';

/** The fields of one header block as they stand there. */
export interface TarHeader {
  readonly typeFlag: string;
  readonly name: ByteString;
  readonly linkName: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
}

/** @throws `LAYER_INVALID` when the block is no header */
export function decodeHeader(block: Buffer): TarHeader {
  const name = nameOf(block);
  const checksum = number(block, 'checksum', name);
  if (checksum !== headerChecksum(block) && checksum !== signedHeaderChecksum(block)) {
    throw invalidTar('the checksum of a header is wrong');
  }
  return {
    typeFlag: String.fromCharCode(block[TYPE_OFFSET] ?? 0),
    name,
    linkName: text(block, 'linkName'),
    mode: natural(block, 'mode', name),
    uid: natural(block, 'uid', name),
    gid: natural(block, 'gid', name),
    size: natural(block, 'size', name),
    mtime: number(block, 'mtime', name),
    major: natural(block, 'major', name),
    minor: natural(block, 'minor', name),
  };
}

export function isZeroBlock(block: Buffer): boolean {
  return block[0] === 0 && block.every((byte) => byte === 0);
}

/** ustar splits long paths in two. GNU tar's own format has times in the place of the prefix, and another magic. */
function nameOf(block: Buffer): ByteString {
  const name = text(block, 'name');
  if (block.toString('latin1', FIELD.magic[0], FIELD.magic[0] + 8) !== USTAR_MAGIC) return name;
  // The "star" variant of ustar, known by its trailer, uses the end of the prefix for times.
  const length = block.toString('latin1', BLOCK - 4, BLOCK) === 'tar\0' ? 131 : FIELD.prefix[1];
  const prefix = terminated(block, FIELD.prefix[0], length);
  return prefix === '' ? name : (`${prefix}/${name}` as ByteString);
}

function text(block: Buffer, field: FieldName): ByteString {
  return terminated(block, FIELD[field][0], FIELD[field][1]);
}

function terminated(block: Buffer, start: number, length: number): ByteString {
  let end = start;
  while (end < start + length && block[end] !== 0) end++;
  return block.toString('latin1', start, end) as ByteString;
}

function natural(block: Buffer, field: FieldName, name: ByteString): number {
  const value = number(block, field, name);
  if (value < 0) throw invalidTar(`its ${field} is negative`, name);
  return value;
}

function number(block: Buffer, field: FieldName, name: ByteString): number {
  const value = numberAt(block, FIELD[field]);
  if (!Number.isSafeInteger(value)) throw invalidTar(`its ${field} is malformed`, name);
  return value;
}

/**
 * Octal digits, or GNU's base 256, marked by the first bit, for what octal cannot hold. `NaN`, or a number that is no safe integer,
 * for what is malformed.
 */
export function numberAt(block: Buffer, [start, length]: readonly [start: number, length: number]): number {
  return (block[start] ?? 0) & 0x80 ? base256(block, start, length) : octal(block, start, length);
}

function octal(block: Buffer, start: number, length: number): number {
  let at = start;
  let end = start + length;
  const blank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0;
  while (at < end && blank(block[at])) at++;
  while (end > at && blank(block[end - 1])) end--;
  let value = 0;
  for (; at < end; at++) {
    const digit = (block[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) return NaN;
    value = value * 8 + digit;
  }
  return value;
}

/** Big-endian two's complement in all bits but the first. */
function base256(block: Buffer, start: number, length: number): number {
  const first = block[start] ?? 0;
  let value = first & 0x40 ? (first & 0x7f) - 0x80 : first & 0x7f;
  for (let at = start + 1; at < start + length; at++) value = value * 256 + (block[at] ?? 0);
  return value;
}
