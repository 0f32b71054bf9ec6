import type { ByteString } from '../../support/byte-string.js';
import { compareBytes } from '../../support/byte-string.js';
import { invariant } from '../../support/invariant.js';
import { baseName } from '../../support/byte-path.js';
import type { TarEntry } from '../tar-entry.js';
import { formatPaxRecord, formatPaxTime } from './pax.js';
import {
  BLOCK,
  FIELD,
  headerChecksum,
  paddingOf,
  TYPE_FLAGS,
  TYPE_OFFSET,
  USTAR_MAGIC,
  XATTR_RECORD,
  type FieldName,
} from './tar-format.js';

type NumberField = 'mode' | 'uid' | 'gid' | 'size' | 'mtime' | 'major' | 'minor';
type PaxRecord = readonly [key: string, value: string | Uint8Array];

const ZERO = 0x30;
const SPACE = 0x20;
const CHECKSUM_DIGITS = 6;
const LARGEST: Readonly<Record<NumberField, number>> = {
  mode: largest('mode'),
  uid: largest('uid'),
  gid: largest('gid'),
  size: largest('size'),
  mtime: largest('mtime'),
  major: largest('major'),
  minor: largest('minor'),
};

function largest(field: NumberField): number {
  return 8 ** (FIELD[field][1] - 1) - 1;
}

const ASCII = /^[\x01-\x7f]*$/;

/**
 * The header of an entry: one block of ustar, with an extended header before it only for what ustar cannot hold. No user names,
 * no times but mtime: the bytes depend on the entry alone.
 */
export function encodeHeader(entry: TarEntry): Buffer {
  const block = emptyBlock();
  const records: PaxRecord[] = [];
  putPath(block, records, entry);
  putLink(block, records, entry.linkTarget);
  put(block, records, ['mode', entry.mode]);
  put(block, records, ['uid', entry.uid]);
  put(block, records, ['gid', entry.gid]);
  put(block, records, ['size', entry.size]);
  putTime(block, records, entry);
  put(block, records, ['major', entry.device?.major ?? 0]);
  put(block, records, ['minor', entry.device?.minor ?? 0]);
  for (const [name, value] of entry.xattrs) records.push([XATTR_RECORD + name, value]);
  seal(block, TYPE_FLAGS[entry.type]);
  return records.length === 0 ? block : Buffer.concat([extendedHeader(records, entry.path), block]);
}

function putPath(block: Buffer, records: PaxRecord[], { path, type }: TarEntry): void {
  const name = type !== 'directory' ? path : path === '' ? './' : `${path}/`;
  if (!ASCII.test(name)) records.push(['path', name]);
  else if (name.length <= FIELD.name[1]) write(block, 'name', name);
  else if (!putSplit(block, name)) records.push(['path', name]);
  // For readers that do not know extended headers.
  if (block[0] === 0) write(block, 'name', printable(name).slice(0, FIELD.name[1]));
}

/** ustar's own way for long paths: up to 155 bytes before a slash, up to 100 after it. */
function putSplit(block: Buffer, name: string): boolean {
  const slash = name.indexOf('/', name.length - FIELD.name[1] - 1);
  if (slash < 1 || slash > FIELD.prefix[1] || slash === name.length - 1) return false;
  write(block, 'prefix', name.slice(0, slash));
  write(block, 'name', name.slice(slash + 1));
  return true;
}

function putLink(block: Buffer, records: PaxRecord[], target: ByteString | undefined): void {
  if (target === undefined) return;
  const fits = target.length <= FIELD.linkName[1] && ASCII.test(target);
  if (!fits) records.push(['linkpath', target]);
  write(block, 'linkName', fits ? target : printable(target).slice(0, FIELD.linkName[1]));
}

function putTime(block: Buffer, records: PaxRecord[], { mtime }: TarEntry): void {
  const limit = LARGEST.mtime;
  const fits = mtime.nanoseconds === 0 && mtime.seconds >= 0 && mtime.seconds <= limit;
  if (!fits) records.push(['mtime', formatPaxTime(mtime)]);
  putOctal(block, 'mtime', Math.min(Math.max(mtime.seconds, 0), limit));
}

function put(block: Buffer, records: PaxRecord[], [field, value]: readonly [NumberField, number]): void {
  invariant(Number.isSafeInteger(value) && value >= 0, `${field} ${value} of a tar entry is not a natural number`);
  const limit = LARGEST[field];
  if (value > limit) {
    invariant(
      field === 'uid' || field === 'gid' || field === 'size',
      `${field} ${value} does not fit into a tar entry`,
    );
    records.push([field, String(value)]);
  }
  putOctal(block, field, Math.min(value, limit));
}

/** Digits in all places but the last, which is a NUL. */
function putOctal(block: Buffer, field: NumberField, value: number): void {
  putDigits(block, FIELD[field][1] - 1, { at: FIELD[field][0], value });
}

/** Without strings: a layer may have a hundred thousand headers. */
function putDigits(
  block: Buffer,
  digits: number,
  { at, value }: { readonly at: number; readonly value: number },
): void {
  let rest = value;
  for (let place = at + digits - 1; place >= at; place--) {
    block[place] = ZERO + (rest % 8);
    rest = Math.floor(rest / 8);
  }
}

/** From the pool of buffers, where `Buffer.alloc` is not. */
function emptyBlock(): Buffer {
  return Buffer.allocUnsafe(BLOCK).fill(0);
}

function seal(block: Buffer, typeFlag: string): void {
  block.write(typeFlag, TYPE_OFFSET, 'latin1');
  write(block, 'magic', USTAR_MAGIC);
  putDigits(block, CHECKSUM_DIGITS, { at: FIELD.checksum[0], value: headerChecksum(block) });
  // Ends with a NUL and a space, as no other field does.
  block[FIELD.checksum[0] + CHECKSUM_DIGITS + 1] = SPACE;
}

/** Records are sorted by key: the order in which the attributes were found does not show. */
function extendedHeader(records: readonly PaxRecord[], path: ByteString): Buffer {
  const sorted = [...records].sort(([a], [b]) => compareBytes(a, b));
  const body = Buffer.concat(sorted.map(([key, value]) => formatPaxRecord(key, value)));
  const block = emptyBlock();
  write(block, 'name', `PaxHeaders.0/${printable(baseName(path))}`.slice(0, FIELD.name[1]));
  for (const field of ['mode', 'uid', 'gid', 'mtime', 'major', 'minor'] as const) putOctal(block, field, 0);
  putOctal(block, 'size', body.length);
  seal(block, 'x');
  return Buffer.concat([block, body, Buffer.alloc(paddingOf(body.length))]);
}

function printable(bytes: string): string {
  return bytes.replace(/[^\x20-\x7e]/g, '_');
}

function write(block: Buffer, field: FieldName, value: string): void {
  block.write(value, FIELD[field][0], FIELD[field][1], 'latin1');
}
