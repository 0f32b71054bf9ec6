import { compareBytes, type ByteString } from '../../support/byte-string.js';
import type { FileNode } from '../index/file-node.js';
import { inodeOf, type ErofsInode } from './erofs-inode.js';

const SELF = '.' as ByteString;
const PARENT = '..' as ByteString;

/**
 * The inodes of an image, the root's first, and then of each directory those of what is in it. Files with several names are one.
 */
export function collectInodes(root: FileNode, opaqueXattr: ByteString): readonly ErofsInode[] {
  return new InodeCollector(opaqueXattr).collect(root);
}

interface Waiting {
  readonly node: FileNode;
  readonly inode: ErofsInode;
  readonly parent: ErofsInode;
  /** Whether this layer hides what is below it, here or further up. */
  readonly hides: boolean;
}

class InodeCollector {
  readonly #opaqueXattr: ByteString;
  readonly #inodes: ErofsInode[] = [];
  /** By what may have several names, or stand for many files: the mark of a deleted one. */
  readonly #shared = new Map<FileNode, ErofsInode>();

  constructor(opaqueXattr: ByteString) {
    this.#opaqueXattr = opaqueXattr;
  }

  collect(root: FileNode): readonly ErofsInode[] {
    const top = this.#make(root);
    const waiting: Waiting[] = [{ node: root, inode: top, parent: top, hides: false }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
      waiting.push(...this.#fill(next).reverse());
    return this.#inodes;
  }

  /** @returns the directories in this one */
  #fill({ node, inode, parent, hides }: Waiting): Waiting[] {
    const { content } = inode;
    const found: Waiting[] = [];
    if (content.kind !== 'directory' || node.children === undefined) return found;
    const hidden = hides || node.opaque;
    for (const [name, child] of sortedEntries(node.children)) {
      if (child === null) {
        add(content, name, name === SELF ? inode : parent);
        continue;
      }
      // overlayfs shows the marks in a directory that is not merged with one below.
      if (hidden && child.kind === 'whiteout') continue;
      const made = this.#inodeOf(child);
      add(content, name, made);
      if (child.kind === 'directory') found.push({ node: child, inode: made, parent: inode, hides: hidden });
    }
    return found;
  }

  #inodeOf(node: FileNode): ErofsInode {
    if (node.inode === null && node.kind !== 'whiteout') return this.#make(node);
    const known = this.#shared.get(node) ?? this.#make(node);
    this.#shared.set(node, known);
    return known;
  }

  #make(node: FileNode): ErofsInode {
    const made = inodeOf(node, this.#opaqueXattr);
    this.#inodes.push(made);
    return made;
  }
}

/** With those that each directory has, which stand for no node. */
function sortedEntries(children: ReadonlyMap<ByteString, FileNode>): (readonly [ByteString, FileNode | null])[] {
  const entries: (readonly [ByteString, FileNode | null])[] = [...children];
  entries.push([SELF, null], [PARENT, null]);
  return entries.sort(([a], [b]) => compareBytes(a, b));
}

function add(
  directory: { readonly names: ByteString[]; readonly inodes: ErofsInode[] },
  name: ByteString,
  inode: ErofsInode,
): void {
  directory.names.push(name);
  directory.inodes.push(inode);
  inode.links++;
}
