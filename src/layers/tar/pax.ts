import { bufferOf, byteString, type ByteString } from '../../support/byte-string.js';
import type { Timestamp } from '../tar-entry.js';
import { PaxSparseRecords, SPARSE_RECORD } from './pax-sparse.js';
import { invalidTar, XATTR_RECORD } from './tar-format.js';

/** What an extended header says about the entry after it (POSIX.1-2017 pax, "pax Extended Header"). */
export interface PaxRecords {
  path?: ByteString;
  linkTarget?: ByteString;
  size?: number;
  uid?: number;
  gid?: number;
  mtime?: Timestamp;
  readonly xattrs: Map<ByteString, Uint8Array>;
  /** Of a sparse file. */
  sparse?: PaxSparseRecords;
}

const SPACE = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;
/** chown(2) takes 4294967295 for "leave it as it is". */
const MAX_ID = 2 ** 32 - 2;

/** @throws `LAYER_INVALID` */
export function parsePaxRecords(bytes: Buffer): PaxRecords {
  const records: PaxRecords = { xattrs: new Map() };
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(SPACE, at);
    const digits = space === -1 ? '' : bytes.toString('latin1', at, space);
    const end = /^[1-9][0-9]{0,8}$/.test(digits) ? at + Number(digits) : 0;
    // Values are delimited by the length alone: they may hold any byte.
    const equals = bytes.indexOf(EQUALS, space);
    if (end <= equals || end > bytes.length || equals === -1 || bytes[end - 1] !== NEWLINE) throw malformed('record');
    addRecord(records, byteString(bytes.subarray(space + 1, equals)), bytes.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

function addRecord(records: PaxRecords, key: ByteString, value: Buffer): void {
  if (key.includes('\0')) throw malformed('key');
  if (key.startsWith(XATTR_RECORD)) {
    records.xattrs.set(key.slice(XATTR_RECORD.length) as ByteString, Buffer.from(value));
  } else if (key.startsWith(SPARSE_RECORD)) {
    records.sparse ??= new PaxSparseRecords();
    records.sparse.add(key.slice(SPARSE_RECORD.length), byteString(value));
  } else if (value.length > 0) {
    // An empty value takes back one that a global header set; those are not honoured in the first place.
    setField(records, key, byteString(value));
  }
}

function setField(records: PaxRecords, key: ByteString, value: ByteString): void {
  switch (key as string) {
    case 'path':
      records.path = withoutNul(value, 'path');
      break;
    case 'linkpath':
      records.linkTarget = withoutNul(value, 'linkpath');
      break;
    case 'size':
      records.size = parseCount(value, 'size', Number.MAX_SAFE_INTEGER);
      break;
    case 'uid':
      records.uid = parseCount(value, 'uid', MAX_ID);
      break;
    case 'gid':
      records.gid = parseCount(value, 'gid', MAX_ID);
      break;
    case 'mtime':
      records.mtime = parsePaxTime(value);
      break;
    default:
    // POSIX has readers pass over what they do not know: atime, ctime, comments, names of owners.
  }
}

function withoutNul(value: ByteString, key: string): ByteString {
  if (value.includes('\0')) throw malformed(key);
  return value;
}

function parseCount(value: ByteString, key: string, limit: number): number {
  const count = /^[0-9]{1,16}$/.test(value) ? Number(value) : Infinity;
  if (count > limit) throw malformed(key);
  return count;
}

/** Seconds as a decimal fraction; digits past the nanosecond are cut off. */
function parsePaxTime(value: ByteString): Timestamp {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(value);
  if (match === null) throw malformed('mtime');
  const [, sign, whole, fraction = ''] = match;
  const seconds = Number(whole);
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'));
  if (sign !== '-') return { seconds, nanoseconds };
  return nanoseconds === 0
    ? { seconds: 0 - seconds, nanoseconds }
    : { seconds: -seconds - 1, nanoseconds: 1e9 - nanoseconds };
}

/** The inverse of what `parsePaxRecords` reads, without superfluous zeros. */
export function formatPaxTime({ seconds, nanoseconds }: Timestamp): string {
  if (nanoseconds === 0) return String(seconds);
  if (seconds >= 0) return `${seconds}.${fractionDigits(nanoseconds)}`;
  return `-${-(seconds + 1)}.${fractionDigits(1e9 - nanoseconds)}`;
}

function fractionDigits(nanoseconds: number): string {
  return String(nanoseconds).padStart(9, '0').replace(/0+$/, '');
}

/** One record: its length, in the digits that count themselves, a key and a value. */
export function formatPaxRecord(key: string, value: string | Uint8Array): Buffer {
  const body = Buffer.concat([
    Buffer.from(` ${key}=`, 'latin1'),
    typeof value === 'string' ? bufferOf(value as ByteString) : value,
    Buffer.from('\n'),
  ]);
  let length = body.length + 1;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}

function malformed(what: string): Error {
  return invalidTar(`the ${what} of an extended header is malformed`);
}
