import type { ErofsInode } from './erofs-inode.js';
import { directorySize } from './erofs-directory.js';
import { alignUp, BLOCK, CHUNK, COMPACT, EXTENDED, LAYOUT, SLOT } from './erofs-format.js';

/** How an inode stands in an image. */
export interface InodeLayout {
  /** In the short form: for small numbers, and the time that most files have. */
  readonly isCompact: boolean;
  readonly layout: number;
  /** Bytes of content. */
  readonly size: number;
  /** Where in the image the inode begins, and ends with what belongs to it. */
  readonly at: number;
  readonly end: number;
  /** Bytes, at the end of its content, that stand right after the inode and its attributes. */
  readonly inlined: number;
}

const MAX_16 = 0xffff;
const MAX_32 = 0xffff_ffff;

/**
 * @param place the first free byte
 * @param epoch time of compact inodes, in seconds
 */
export function layoutOf(
  inode: ErofsInode,
  { place, epoch }: { readonly place: number; readonly epoch: number },
): InodeLayout {
  const size = sizeOf(inode);
  const isCompact = fitsCompact(inode, { size, epoch });
  const head = (isCompact ? COMPACT.length : EXTENDED.length) + inode.xattrs.length;
  const at = alignUp(place, SLOT);
  const { content } = inode;
  if (content.kind === 'tar') {
    const { count } = chunksOf(size);
    const end = alignUp(at + head, CHUNK.length) + count * CHUNK.length;
    return { isCompact, layout: LAYOUT.chunks, size, at, end, inlined: 0 };
  }
  const inlined = size % BLOCK;
  const shifted = inlined === 0 ? undefined : shiftedForTail(at, { head, inlined });
  if (shifted === undefined) return { isCompact, layout: LAYOUT.plain, size, at, end: at + head, inlined: 0 };
  return { isCompact, layout: LAYOUT.inline, size, at: shifted, end: shifted + head + inlined, inlined };
}

/** The kernel wants the end of a content that follows its inode within one block. `undefined` where a block of its own is less. */
function shiftedForTail(
  at: number,
  { head, inlined }: { readonly head: number; readonly inlined: number },
): number | undefined {
  const offset = (at + head) % BLOCK;
  if (offset + inlined <= BLOCK) return at;
  const skipped = alignUp(BLOCK - offset, SLOT);
  const fits = ((offset + skipped) % BLOCK) + inlined <= BLOCK;
  return fits && skipped + inlined <= BLOCK ? at + skipped : undefined;
}

function sizeOf({ content }: ErofsInode): number {
  switch (content.kind) {
    case 'tar':
      return content.size;
    case 'link':
      return content.target.length;
    case 'directory':
      return directorySize(content.names);
    default:
      return 0;
  }
}

/** Kernels before 6.15 give every compact inode the time of the superblock. */
function fitsCompact(
  { uid, gid, links, mtime }: ErofsInode,
  { size, epoch }: { readonly size: number; readonly epoch: number },
): boolean {
  const isSmall = uid <= MAX_16 && gid <= MAX_16 && links <= MAX_16 && size <= MAX_32;
  return isSmall && mtime.seconds === epoch && mtime.nanoseconds === 0;
}

/** As few chunks as there may be: one, up to a tebibyte. */
export function chunksOf(size: number): { readonly bits: number; readonly count: number } {
  const blocks = Math.ceil(size / BLOCK);
  if (blocks > MAX_CHUNK) return { bits: CHUNK.maxBits, count: Math.ceil(blocks / MAX_CHUNK) };
  return { bits: WORD_BITS - Math.clz32(blocks - 1), count: 1 };
}

/** In blocks. */
const MAX_CHUNK: number = 2 ** CHUNK.maxBits;
const WORD_BITS = 32;

/** Bytes of the blocks that hold content of the image itself. */
export function blockBytes({ layout, size, inlined }: InodeLayout): number {
  return layout === LAYOUT.chunks ? 0 : alignUp(size - inlined, BLOCK);
}
