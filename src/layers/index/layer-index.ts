import type { Digest } from '../../oci/digest.js';
import type { ByteString } from '../../support/byte-string.js';
import type { EntryType, TarEntry } from '../tar-entry.js';
import type { Extent } from '../tar/sparse.js';

/** An entry of a layer's tar as its index has it; `entryOf` makes a `TarEntry` of it. */
export interface IndexedFile {
  /** The path is in two parts: of a path without slash, the first is empty; the root itself has two empty ones. */
  readonly parent: ByteString;
  readonly name: ByteString;
  readonly type: EntryType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly seconds: number;
  readonly nanoseconds: number;
  /** Bytes of content, with the holes of a sparse file; 0 unless it is a file. */
  readonly size: number;
  /** Where in the uncompressed tar the first stored byte of a file's content is; 0 when there is none. */
  readonly offset: number;
  readonly linkTarget: ByteString | undefined;
  readonly device: TarEntry['device'];
  readonly xattrs: TarEntry['xattrs'];
  /** Of a sparse file: where in it the stored content belongs, a part at a time. */
  readonly extents: readonly Extent[] | undefined;
  /** The whole content, of the few small files that are asked for again and again. */
  readonly kept: Uint8Array | undefined;
}

/**
 * What the tar of a layer says of its files, in the order of the tar: whiteouts, directories said twice, and links as they stand
 * there. Where in a root file system they end up is not in it: that hangs on the layers below (`layer-nodes.ts`).
 */
export interface LayerIndex {
  readonly diffId: Digest;
  /** Bytes of the uncompressed tar. */
  readonly tarSize: number;
  /** Of entries. */
  readonly count: number;
  /** @throws `LAYER_INVALID` when the index is malformed */
  files(): Iterable<IndexedFile>;
}

/** Whose content an index keeps: what COPY, WORKDIR and USER look owners up in, and what tells a distribution. */
export const KEPT_PATHS: ReadonlySet<string> = new Set([
  'etc/passwd',
  'etc/group',
  'etc/os-release',
  'usr/lib/os-release',
]);

/** Bytes. A longer file of these is read from the layer. */
export const MAX_KEPT: number = 1 << 20;

export interface IndexLimits {
  /** 1,000,000 unless given: each takes some 400 bytes of memory when the index is used. */
  readonly maxEntries?: number;
  /** Bytes of the index. 64 MiB unless given. */
  readonly maxBytes?: number;
}

export const MAX_ENTRIES = 1_000_000;
export const MAX_BYTES: number = 64 << 20;

/** The order is the number that stands for a type in an index. */
export const ENTRY_TYPES: readonly EntryType[] = [
  'file',
  'directory',
  'symlink',
  'hardlink',
  'character-device',
  'block-device',
  'fifo',
];

export const FLAG = {
  type: 0b111,
  sameParent: 0b1000,
  xattrs: 0b1_0000,
  extents: 0b10_0000,
  kept: 0b100_0000,
} as const;

/** First in every index, with the version of what follows. Another one is read by nobody, and made again. */
export const MAGIC = 'tsbuild layer index 1\n';
