import type { FileNode } from '../index/file-node.js';
import type { LayerContent } from '../index/layer-content.js';
import type { IndexedFile } from '../index/layer-index.js';

/** Where the bytes of a file are, which two files of one layer share only as hard links. */
export interface FileContent {
  readonly content: LayerContent;
  readonly file: IndexedFile;
}

/** `undefined` for what has no bytes: an empty file, and all that is no file. */
export function contentOf({ kind, look }: FileNode): FileContent | undefined {
  return kind === 'file' && 'file' in look && look.file.size > 0 ? look : undefined;
}

/** Names the bytes among all layers. */
export function contentKey({ content, file }: FileContent): string {
  // A sparse file that is all hole has no bytes in the tar, and no place in it.
  return file.offset === 0 ? `hole ${file.size}` : `${content.layer.diffId} ${file.offset}`;
}

/** Bytes that a layer's tar has of it: without the holes of a sparse file. */
export function storedBytes({ size, extents }: IndexedFile): number {
  return extents === undefined ? size : extents.reduce((sum, { length }) => sum + length, 0);
}
