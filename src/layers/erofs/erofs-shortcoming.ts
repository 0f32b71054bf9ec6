import { childPath, ROOT } from '../../support/byte-path.js';
import { textOfBytes, type ByteString } from '../../support/byte-string.js';
import { xattrsOf, type FileNode } from '../index/file-node.js';
import type { IndexedFile } from '../index/layer-index.js';
import { alignUp, BLOCK, MAX_NAME } from './erofs-format.js';
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
  if (layer.tarSize >= MAX_BLOCKS * BLOCK) return 'it is of two tebibytes or more';
  const waiting: (readonly [path: ByteString, directory: FileNode])[] = [[ROOT, layer.root]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [path, directory] = next;
    const found = nodeShortcoming(directory, layer);
    if (found !== undefined) return ofPath(path, found);
    for (const [name, child] of directory.children ?? []) {
      const inChild =
        nameShortcoming(name, path) ?? (child.kind === 'file' ? nodeShortcoming(child, layer) : undefined);
      if (inChild !== undefined) return ofPath(childPath(path, name), inChild);
      if (child.kind === 'directory') waiting.push([childPath(path, name), child]);
    }
  }
  return undefined;
}

const MAX_SHOWN = 200;

function ofPath(path: ByteString, found: string): string {
  const shown = textOfBytes(path);
  return `"/${shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown}" ${found}`;
}

function nameShortcoming(name: ByteString, parent: ByteString): string | undefined {
  if (name.length > MAX_NAME) return `has a name of over ${MAX_NAME} bytes`;
  return parent.length + 1 + name.length > MAX_PATH ? `has a path of over ${MAX_PATH} bytes` : undefined;
}

function nodeShortcoming(node: FileNode, { diffId, tarSize }: ErofsLayer): string | undefined {
  const xattrs = xattrsOf(node);
  const unkept = xattrs.size === 0 ? undefined : xattrsShortcoming(xattrs);
  if (unkept !== undefined) return `has ${unkept}`;
  if (!('file' in node.look)) return undefined;
  const { file, content } = node.look;
  if (file.device !== undefined) return deviceShortcoming(file.device);
  if (file.type !== 'file' || file.size === 0) return undefined;
  return content.layer.diffId === diffId
    ? contentShortcoming(file, tarSize)
    : 'is a hard link to a file of a layer below';
}

function deviceShortcoming({ major, minor }: NonNullable<IndexedFile['device']>): string | undefined {
  return major > MAX_MAJOR || minor > MAX_MINOR ? `is device ${major}:${minor}` : undefined;
}

function contentShortcoming({ extents, offset, size }: IndexedFile, tarSize: number): string | undefined {
  if (extents !== undefined) return 'is a sparse file';
  if (offset % BLOCK !== 0) return `does not begin at a multiple of ${BLOCK} bytes`;
  // Linux 6.18 answers with EIO where a device ends within a block.
  return alignUp(offset + size, BLOCK) > tarSize ? 'is the last, and the tar ends within a block' : undefined;
}
