import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { throwIfAborted } from '../support/byte-streams.js';
import { baseName, childPath, parentPath, ROOT } from '../support/byte-path.js';
import { compareBytes, type ByteString } from '../support/byte-string.js';
import { invariant } from '../support/invariant.js';
import { resolveInTree } from './resolve-in-tree.js';
import type { TarEntry } from './tar-entry.js';
import type { Extent } from './tar/sparse.js';
import { readStored } from './tar/stored-content.js';
import { TarParser } from './tar/tar-parser.js';
import { invalidTar } from './tar/tar-format.js';
import { PLAIN_DIRECTORY, type Tree, type TreeEntry } from './tree.js';

export interface TarTreeOptions {
  /** More are refused: each takes some 500 bytes of memory. 1,000,000 unless given. */
  readonly maxEntries?: number;
  readonly signal?: AbortSignal | undefined;
}

const CHUNK = 64 * 1024;
const DEFAULT_MAX_ENTRIES = 1_000_000;
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW;

/**
 * The files of a tar archive that is not compressed, as unpacking it into an empty folder would leave them: later entries replace
 * earlier ones, parents that are symbolic links are followed within the root, missing ones are made. Only headers are read, and
 * contents when they are asked for; nothing is written anywhere.
 * @param file absolute; must stay as it is while the tree is in use
 * @throws `LAYER_INVALID` when it is malformed, cut off, leads out of its root or has too many entries
 */
export async function openTarTree(file: string, options: TarTreeOptions = {}): Promise<Tree> {
  const tree = new TarTree(file);
  const parser = new TarParser({ maxEntries: options.maxEntries ?? DEFAULT_MAX_ENTRIES });
  await using handle = await open(file, READ_FLAGS);
  const { size } = await handle.stat();
  const buffer = Buffer.allocUnsafeSlow(CHUNK);
  let position = 0;
  while (position < size) {
    throwIfAborted('read the build context', options.signal);
    const { bytesRead } = await handle.read(buffer, 0, CHUNK, position);
    if (bytesRead === 0) break;
    addEntries(tree, parser, { chunk: buffer.subarray(0, bytesRead), position });
    position += bytesRead + parser.pendingContent;
    parser.skip();
  }
  if (position > size) throw invalidTar('it is cut off');
  parser.finish();
  return tree;
}

function addEntries(tree: TarTree, parser: TarParser, at: { readonly chunk: Buffer; readonly position: number }): void {
  let file: Node | undefined;
  for (const event of parser.push(at.chunk)) {
    if (event.kind === 'entry') file = tree.add(event.entry, event.extents);
    else if (event.kind === 'content' && file?.offset === UNKNOWN) {
      file.offset = at.position + (event.bytes.byteOffset - at.chunk.byteOffset);
    }
  }
  // The header of a file may be the last of its chunk: then the content begins with the next one.
  if (file?.offset === UNKNOWN && parser.pendingContent > 0) file.offset = at.position + at.chunk.length;
}

const UNKNOWN = -1;

interface Node {
  entry: TreeEntry;
  xattrs: TarEntry['xattrs'];
  /** Of a file's content in the archive. */
  offset: number;
  /** Of a sparse file: where in it that content belongs, a part at a time. */
  extents?: readonly Extent[];
  /** `null` for what is no directory. */
  readonly children: Map<ByteString, Node> | null;
}

class TarTree implements Tree {
  readonly #file: string;
  readonly #root: Node = directoryNode(PLAIN_DIRECTORY);
  #inodes = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** @returns the node of a regular file, whose offset is to be filled in */
  add(entry: TarEntry, extents?: readonly Extent[]): Node | undefined {
    if (entry.path === ROOT) {
      if (entry.type === 'directory') describe(this.#root, entry);
      return undefined;
    }
    const parent = this.#parentOf(entry);
    const name = baseName(entry.path);
    if (entry.type === 'hardlink') {
      parent.set(name, this.#linked(entry));
      return undefined;
    }
    const existing = parent.get(name);
    if (entry.type === 'directory' && existing !== undefined && existing.children !== null) {
      describe(existing, entry);
      return undefined;
    }
    const node = nodeOf(entry);
    if (extents !== undefined) node.extents = extents;
    parent.set(name, node);
    return entry.type === 'file' ? node : undefined;
  }

  lstat(path: ByteString): TreeEntry | undefined {
    return this.#find(path)?.entry;
  }

  list(path: ByteString): readonly ByteString[] {
    return [...(this.#find(path)?.children?.keys() ?? [])].sort(compareBytes);
  }

  xattrs(path: ByteString): ReadonlyMap<ByteString, Uint8Array> {
    return this.#find(path)?.xattrs ?? new Map();
  }

  read(path: ByteString): Iterable<Uint8Array> {
    const node = this.#find(path);
    invariant(node?.entry.type === 'file', `no file "${path}" in this tree`);
    const { entry, offset, extents } = node;
    return readStored({ file: this.#file, offset, size: entry.size, extents, path });
  }

  #find(path: ByteString): Node | undefined {
    if (path === ROOT) return this.#root;
    let node: Node | undefined = this.#root;
    for (const name of path.split('/') as ByteString[]) {
      node = node.children?.get(name);
      if (node === undefined) return undefined;
    }
    return node;
  }

  #parentOf({ path }: TarEntry): Map<ByteString, Node> {
    const written = parentPath(path);
    const direct = this.#find(written)?.children;
    if (direct) return direct;
    const resolved = resolveInTree(this, written, { followLast: true });
    if (resolved === undefined) throw invalidTar('a file is where a folder above it should be', path);
    return this.#ensureDirectory(resolved, path);
  }

  #ensureDirectory(path: ByteString, wantedFor: ByteString): Map<ByteString, Node> {
    const found = this.#find(path);
    if (found !== undefined) {
      if (found.children === null) throw invalidTar('a file is where a folder above it should be', wantedFor);
      return found.children;
    }
    const children = new Map<ByteString, Node>();
    const made = { entry: PLAIN_DIRECTORY, xattrs: new Map<ByteString, Uint8Array>(), offset: UNKNOWN, children };
    this.#ensureDirectory(parentPath(path), wantedFor).set(baseName(path), made);
    return children;
  }

  #linked({ path, linkTarget = ROOT }: TarEntry): Node {
    const parent = resolveInTree(this, parentPath(linkTarget), { followLast: true });
    const target = parent === undefined ? undefined : this.#find(childPath(parent, baseName(linkTarget)));
    if (target?.children !== null) {
      throw invalidTar('it is a hard link to nothing, or to a folder', path);
    }
    if (target.entry.inode === null) target.entry = { ...target.entry, inode: `tar:${++this.#inodes}` };
    return target;
  }
}

function nodeOf(entry: TarEntry): Node {
  const node = entry.type === 'directory' ? directoryNode(PLAIN_DIRECTORY) : leafNode();
  describe(node, entry);
  return node;
}

function directoryNode(entry: TreeEntry): Node {
  return { entry, xattrs: new Map(), offset: UNKNOWN, children: new Map() };
}

function leafNode(): Node {
  return { entry: PLAIN_DIRECTORY, xattrs: new Map(), offset: UNKNOWN, children: null };
}

function describe(node: Node, { type, mode, uid, gid, size, mtime, linkTarget, device, xattrs }: TarEntry): void {
  invariant(type !== 'hardlink', 'a hard link is another name, and no file of its own');
  node.entry = {
    type,
    mode,
    uid,
    gid,
    size,
    mtime,
    inode: null,
    ...(linkTarget === undefined ? {} : { linkTarget }),
    ...(device === undefined ? {} : { device }),
  };
  node.xattrs = xattrs;
}
