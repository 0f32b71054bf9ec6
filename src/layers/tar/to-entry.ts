import { byteString, type ByteString } from '../../support/byte-string.js';
import { ROOT } from '../../support/byte-path.js';
import type { EntryType, TarEntry } from '../tar-entry.js';
import type { TarHeader } from './decode-header.js';
import type { PaxRecords } from './pax.js';
import { invalidTar, MAX_PATH, SPARSE_FLAG, TYPE_FLAGS } from './tar-format.js';

const MAX_ID = 2 ** 32 - 2;

const ENTRY_TYPES: ReadonlyMap<string, EntryType> = new Map([
  ...Object.entries(TYPE_FLAGS).map(([type, flag]) => [flag, type as EntryType] as const),
  ['\0', 'file'],
  // "Contiguous" files are files everywhere.
  ['7', 'file'],
  [SPARSE_FLAG, 'file'],
]);

/** What a header and the extended headers before it say together of an entry. @throws `LAYER_INVALID` */
export function toEntry(header: TarHeader, pax: PaxRecords): TarEntry {
  const name = pax.sparse?.name ?? pax.path ?? header.name;
  const type = entryType(header, name);
  const [uid, gid] = [pax.uid ?? header.uid, pax.gid ?? header.gid];
  if (uid > MAX_ID || gid > MAX_ID) throw invalidTar('its owner is no 32-bit number', name);
  return {
    path: normalizePath(name),
    type,
    mode: header.mode & 0o7777,
    uid,
    gid,
    size: type === 'file' ? (pax.size ?? header.size) : 0,
    mtime: pax.mtime ?? { seconds: header.mtime, nanoseconds: 0 },
    xattrs: pax.xattrs,
    ...linkFields(type, name, header.linkName),
    ...(type.endsWith('-device') ? { device: { major: header.major, minor: header.minor } } : {}),
  };
}

function entryType({ typeFlag }: TarHeader, name: ByteString): EntryType {
  // Before ustar there was no type for directories.
  if (typeFlag === '\0' && name.endsWith('/')) return 'directory';
  const type = ENTRY_TYPES.get(typeFlag);
  if (type !== undefined) return type;
  throw invalidTar(`its type ${JSON.stringify(typeFlag)} is unknown`, name);
}

function linkFields(type: EntryType, name: ByteString, target: ByteString): { readonly linkTarget?: ByteString } {
  if (type !== 'symlink' && type !== 'hardlink') return {};
  if (target === '' || target.length >= MAX_PATH) throw invalidTar('the target of its link is empty or too long', name);
  return { linkTarget: type === 'symlink' ? target : normalizePath(target) };
}

const ODD_COMPONENT = /(?:^|\/)\.{0,2}(?:\/|$)/;

/** Absolute names are meant below the root, as every engine has it. `..` has no good reason to be there, and is refused. */
function normalizePath(name: ByteString): ByteString {
  if (name.length > MAX_PATH) throw invalidTar(`its name is longer than ${MAX_PATH} bytes`, name);
  if (name === '') throw invalidTar('an entry has no name');
  if (!ODD_COMPONENT.test(name)) return name;
  const components = name.split('/').filter((component) => component !== '' && component !== '.');
  if (components.includes('..')) throw invalidTar('its name leads out of the root', name);
  return components.length === 0 ? ROOT : (components.join('/') as ByteString);
}

/** Text as long headers have it. */
export function untilNul(bytes: Buffer): ByteString {
  const end = bytes.indexOf(0);
  return byteString(end === -1 ? bytes : bytes.subarray(0, end));
}
