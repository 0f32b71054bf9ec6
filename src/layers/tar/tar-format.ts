import { textOfBytes, type ByteString } from '../../support/byte-string.js';
import { TsbuildError } from '../../support/errors.js';
import type { EntryType } from '../tar-entry.js';

/** POSIX.1-2017 pax, "ustar Interchange Format": [offset, length] of the fields of a header. */
export const FIELD = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  linkName: [157, 100],
  magic: [257, 8],
  major: [329, 8],
  minor: [337, 8],
  prefix: [345, 155],
} as const;

export type FieldName = keyof typeof FIELD;

export const BLOCK = 512;
export const TYPE_OFFSET = 156;
export const USTAR_MAGIC = 'ustar\x0000';
export const XATTR_RECORD = 'SCHILY.xattr.';
/** The kernel's PATH_MAX: a longer path cannot be opened. */
export const MAX_PATH = 4096;

export const TYPE_FLAGS: Readonly<Record<EntryType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
};
/** GNU's type of sparse files. */
export const SPARSE_FLAG = 'S';

/** Bytes after content of `size`, up to the next block. */
export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

/** The sum of a header's bytes, the checksum field counted as spaces. */
export function headerChecksum(block: Uint8Array): number {
  let sum = 0;
  // An iterator here would cost more than all the rest of a header.
  for (let at = 0; at < BLOCK; at++) sum += block[at] ?? 0;
  const [start, length] = FIELD.checksum;
  for (let at = start; at < start + length; at++) sum += 0x20 - (block[at] ?? 0);
  return sum;
}

/** As some old writers have it, who took bytes for signed. */
export function signedHeaderChecksum(block: Uint8Array): number {
  const [start, length] = FIELD.checksum;
  const signed = block.filter((byte, at) => byte > 0x7f && (at < start || at >= start + length));
  return headerChecksum(block) - 0x100 * signed.length;
}

export function invalidTar(state: string, path?: ByteString): TsbuildError {
  const what = path === undefined ? 'tar archive' : `tar entry "${textOfBytes(path).slice(0, 400)}"`;
  return new TsbuildError('LAYER_INVALID', `cannot read ${what}: ${state}`, {
    hint: 'The archive is damaged or was made to do harm; fetch it again, or make it with another program.',
  });
}
