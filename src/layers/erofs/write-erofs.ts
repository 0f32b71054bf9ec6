import type { Digest } from '../../oci/digest.js';
import type { ByteString } from '../../support/byte-string.js';
import type { FileNode } from '../index/file-node.js';
import { collectInodes } from './collect-inodes.js';
import { encodeInode, imageContent } from './encode-inode.js';
import { alignUp, BLOCK, PLACE } from './erofs-format.js';
import type { ErofsInode } from './erofs-inode.js';
import { sealed } from './erofs-seal.js';
import { blockBytes, layoutOf } from './inode-layout.js';
import { encodeSuperblock } from './superblock.js';

/** A layer, and what it adds to those below it. */
export interface ErofsLayer {
  readonly diffId: Digest;
  /** Bytes of its uncompressed tar. */
  readonly tarSize: number;
  /** As `layerNodes` gives it: of the tree of a stack of layers, what it finds at the root. */
  readonly root: FileNode;
}

export interface ErofsOptions {
  /** Names the image: its UUID is made of it. A chain id, as what a layer means hangs on those below it. */
  readonly id: Digest;
  /** overlayfs's mark on directories that hide what is below them: `trusted.overlay.opaque` or `user.overlay.opaque`. */
  readonly opaqueXattr: ByteString;
}

/**
 * A layer as a lower directory of an overlay, without its contents: an EROFS image of metadata, whose files are parts of the
 * layer's uncompressed tar. It is mounted with the tar as its one further device. After the image stands a seal (`erofs-seal.ts`).
 *
 * For what `erofsShortcoming` has nothing against. Memory is that of the nodes, and some 400 bytes for each of them. The same layer
 * gives the same bytes.
 */
export function writeErofs(layer: ErofsLayer, options: ErofsOptions): Generator<Uint8Array, void, undefined> {
  return sealed(imagePieces(layer, options));
}

function* imagePieces(layer: ErofsLayer, { id, opaqueXattr }: ErofsOptions): Generator<Uint8Array, void, undefined> {
  const inodes = collectInodes(layer.root, opaqueXattr);
  const epoch = commonTime(inodes);
  const { inodesEnd, size } = place(inodes, epoch);
  const { diffId, tarSize } = layer;
  yield encodeSuperblock({ id, diffId, tarSize, size, inodes: inodes.length, root: inodes[0]?.at ?? 0, epoch });
  yield* inodePieces(inodes, { epoch, inodesEnd });
  yield* contentPieces(inodes, epoch);
}

/** The time, in whole seconds, that most files have. */
function commonTime(inodes: readonly ErofsInode[]): number {
  const counts = new Map<number, number>();
  let [common, most] = [0, 0];
  for (const { mtime } of inodes) {
    if (mtime.nanoseconds !== 0) continue;
    const count = (counts.get(mtime.seconds) ?? 0) + 1;
    counts.set(mtime.seconds, count);
    if (count > most) [common, most] = [mtime.seconds, count];
  }
  return common;
}

/** Tells each inode where it is, before any is written: directories name theirs. */
function place(inodes: readonly ErofsInode[], epoch: number): { readonly inodesEnd: number; readonly size: number } {
  let end: number = PLACE.inodes;
  let content = 0;
  for (const inode of inodes) {
    const layout = layoutOf(inode, { place: end, epoch });
    inode.at = layout.at;
    end = layout.end;
    content += blockBytes(layout);
  }
  const inodesEnd = alignUp(end, BLOCK);
  return { inodesEnd, size: inodesEnd + content };
}

/** Bytes. */
const PIECE = 256 << 10;

function* inodePieces(
  inodes: readonly ErofsInode[],
  { epoch, inodesEnd }: { readonly epoch: number; readonly inodesEnd: number },
): Generator<Uint8Array, void, undefined> {
  let [start, end]: [number, number] = [PLACE.inodes, PLACE.inodes];
  let piece = Buffer.alloc(PIECE + BLOCK);
  let block = inodesEnd / BLOCK;
  for (const [index, inode] of inodes.entries()) {
    const layout = layoutOf(inode, { place: end, epoch });
    // What is left out between two inodes, or after the last, is less than a block.
    if (layout.end - start > piece.length - BLOCK) {
      yield piece.subarray(0, layout.at - start);
      start = layout.at;
      piece = Buffer.alloc(Math.max(PIECE, layout.end - start) + BLOCK);
    }
    encodeInode(piece, layout.at - start, { inode, layout, number: index + 1, block });
    end = layout.end;
    block += blockBytes(layout) / BLOCK;
  }
  yield piece.subarray(0, inodesEnd - start);
}

function* contentPieces(inodes: readonly ErofsInode[], epoch: number): Generator<Uint8Array, void, undefined> {
  for (const inode of inodes) {
    const layout = layoutOf(inode, { place: inode.at, epoch });
    const length = blockBytes(layout);
    if (length === 0) continue;
    const content = imageContent(inode, layout).subarray(0, length);
    yield content;
    if (content.length < length) yield Buffer.alloc(length - content.length);
  }
}
