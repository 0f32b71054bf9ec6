import type { ByteString } from '../../support/byte-string.js';
import { isLayerXattr, portableXattr } from '../files/layer-xattrs.js';
import type { TarEntry, Timestamp } from '../tar-entry.js';
import type { TreeEntry } from '../tree.js';
import type { IndexedFile } from './layer-index.js';
import type { LayerContent } from './layer-content.js';

/** A file that a layer has in a root file system, or a directory that it goes through, or the mark that it hides one below. */
export interface FileNode {
  readonly kind: 'file' | 'directory' | 'whiteout';
  /** How it looks; a directory gets another look when the layer describes it later on. */
  look: Look;
  /** Of a directory. */
  readonly children: Map<ByteString, FileNode> | undefined;
  /** Of a directory: whether it hides what lower layers have in it. */
  opaque: boolean;
  /** Names it among those that share it, once it has several names. */
  inode: string | null;
}

/** What an entry of an index says, with where its content is; or what a directory looks like that no entry describes. */
export type Look =
  | { readonly file: IndexedFile; readonly content: LayerContent }
  | { readonly entry: TreeEntry; readonly xattrs: TarEntry['xattrs'] };

const NO_XATTRS: TarEntry['xattrs'] = new Map();
const SYMLINK_MODE = 0o777;

/** As it would be read back after unpacking. */
export function treeEntryOf({ look, inode }: FileNode): TreeEntry {
  if ('entry' in look) return look.entry;
  const { type, mode, uid, gid, size, linkTarget, device } = look.file;
  return {
    type: type === 'hardlink' ? 'file' : type,
    // The kernel gives links no modes of their own.
    mode: type === 'symlink' ? SYMLINK_MODE : mode,
    uid,
    gid,
    size,
    mtime: mtimeOf(look),
    inode,
    ...(linkTarget === undefined ? {} : { linkTarget }),
    ...(device === undefined ? {} : { device }),
  };
}

export function mtimeOf(look: Look): Timestamp {
  if ('entry' in look) return look.entry.mtime;
  const { seconds, nanoseconds } = look.file;
  return { seconds, nanoseconds };
}

/** Those that unpacking keeps: of files and directories, and no host's own. */
export function xattrsOf({ kind, look }: FileNode): TarEntry['xattrs'] {
  if ('entry' in look) return look.xattrs;
  const { type, xattrs } = look.file;
  if (xattrs.size === 0 || (kind !== 'directory' && type !== 'file')) return NO_XATTRS;
  const kept = new Map<ByteString, Uint8Array>();
  for (const [name, value] of xattrs) if (isLayerXattr(name)) kept.set(name, portableXattr(name, value));
  return kept;
}
