import { childPath, ROOT } from '../../support/byte-path.js';
import { textOfBytes, type ByteString } from '../../support/byte-string.js';
import { xattrsOf, type FileNode } from '../index/file-node.js';
import type { IndexedFile } from '../index/layer-index.js';
import { BLOCK, MAX_NAME } from './erofs-format.js';
import { xattrsShortcoming } from './erofs-xattrs.js';
import type { ErofsLayer } from './write-erofs.js';

/** The block of all ones stands for a hole. */
const MAX_BLOCKS = 0xffff_ffff;
/** PATH_MAX, without its NUL. */
const MAX_PATH = 4095;
/** In the form that inodes have: twelve and twenty bits. */
const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xf_ffff;

/**
 * Why a layer cannot be had as an EROFS image, for people to read after "because"; `undefined` when it can.
 */
export function erofsShortcoming(layer: ErofsLayer): string | undefined {
  if (layer.tarSize >= MAX_BLOCKS * BLOCK) return 'it is over two tebibytes';
  const waiting: (readonly [path: ByteString, node: FileNode])[] = [[ROOT, layer.root]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [path, node] = next;
    const found = nodeShortcoming(node, layer);
    if (found !== undefined) return `"/${textOfBytes(path)}" ${found}`;
    for (const [name, child] of node.children ?? []) {
      const below = childPath(path, name);
      const tooLong = nameShortcoming(name, below);
      if (tooLong !== undefined) return `"/${textOfBytes(below).slice(0, 200)}…" ${tooLong}`;
      waiting.push([below, child]);
    }
  }
  return undefined;
}

function nameShortcoming(name: ByteString, path: ByteString): string | undefined {
  if (name.length > MAX_NAME) return `has a name of over ${MAX_NAME} bytes`;
  return path.length > MAX_PATH ? `has a path of over ${MAX_PATH} bytes` : undefined;
}

function nodeShortcoming(node: FileNode, { diffId }: ErofsLayer): string | undefined {
  if (node.kind === 'whiteout') return undefined;
  const xattrs = xattrsOf(node);
  const unkept = xattrs.size === 0 ? undefined : xattrsShortcoming(xattrs);
  if (unkept !== undefined) return `has ${unkept}`;
  if (!('file' in node.look)) return undefined;
  const { file, content } = node.look;
  if (file.device !== undefined) return deviceShortcoming(file.device);
  if (file.type !== 'file' || file.size === 0) return undefined;
  return content.layer.diffId === diffId ? contentShortcoming(file) : 'is a hard link to a file of a layer below';
}

function deviceShortcoming({ major, minor }: NonNullable<IndexedFile['device']>): string | undefined {
  return major > MAX_MAJOR || minor > MAX_MINOR ? `is device ${major}:${minor}` : undefined;
}

function contentShortcoming({ extents, offset }: IndexedFile): string | undefined {
  if (extents !== undefined) return 'is a sparse file';
  return offset % BLOCK === 0 ? undefined : `does not begin at a multiple of ${BLOCK} bytes`;
}
