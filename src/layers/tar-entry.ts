import type { ByteString } from '../support/byte-string.js';

export type EntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character-device' | 'block-device' | 'fifo';

/** Seconds since 1970, and nanoseconds within the second (0 to 999999999). Seconds may be negative. */
export interface Timestamp {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** The metadata of one tar entry, without loss: names and xattr values are bytes, ids are 32 bits, times any. */
export interface TarEntry {
  /** Relative, with neither a leading nor a trailing slash; the root directory itself is the empty string. */
  readonly path: ByteString;
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. 0 stays 0. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content; 0 unless `type` is `file`. */
  readonly size: number;
  readonly mtime: Timestamp;
  /** Of a symlink, its text; of a hard link, the path of the entry it links to. */
  readonly linkTarget?: ByteString;
  readonly device?: { readonly major: number; readonly minor: number };
  readonly xattrs: ReadonlyMap<ByteString, Uint8Array>;
}
