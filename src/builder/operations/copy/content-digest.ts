import type { Hash } from 'node:crypto';
import type { Tree, TreeEntry } from '../../../layers/tree.js';
import type { Digest } from '../../../oci/digest.js';
import type { ByteString } from '../../../support/byte-string.js';
import { openSha256, sha256 } from '../../../support/sha256.js';
import { FileList } from '../../explain/file-list.js';
import type { CopyOrigin } from './copy-origin.js';
import type { CopySelection } from './copy-selection.js';
import { walkSelection } from './copy-walk.js';
import type { DigestedFiles, ReadFiles } from './selection-memory.js';

/**
 * The digest and the list of what is selected, as they are remembered where nothing changed.
 * @param what names the selection among all of its origin
 */
export async function digestSelection(
  origin: CopyOrigin,
  what: string,
  selection: readonly CopySelection[],
): Promise<DigestedFiles> {
  const read = (): ReadFiles => {
    const files = new FileList();
    return { digest: contentDigest(origin, selection, files), files };
  };
  return (await origin.memory?.digest(what, selection, read)) ?? read();
}

/**
 * Digest over all of a selection that can reach the image: names below each source, types, modes, owners, sizes, link texts,
 * device numbers, extended attributes and contents. Not the times: a file that was only touched is the same (dockerfile.md 109).
 * The path of a source counts by its last name, and only where it names what is made (dockerfile.md 110).
 * @param files is given each of the files
 */
export function contentDigest(origin: CopyOrigin, selection: readonly CopySelection[], files?: FileList): Digest {
  const hash = new FramedHash();
  const into = { hash, files };
  for (const selected of selection) {
    const isFolder = selected.entry.type === 'directory';
    hash.add(isFolder ? 'folder' : `file ${selected.name}`);
    addEntry(into, origin, selected);
    if (!isFolder) continue;
    for (const { relative, isParent, ...file } of walkSelection(selected, origin.tree)) {
      hash.add(`${isParent ? 'parent' : 'entry'} ${relative}`);
      addEntry(into, origin, file);
    }
  }
  return hash.digest();
}

interface TreeFile {
  readonly path: ByteString;
  readonly entry: TreeEntry;
}

interface Into {
  readonly hash: FramedHash;
  readonly files: FileList | undefined;
}

function addEntry({ hash, files }: Into, { tree, ownership }: CopyOrigin, { path, entry }: TreeFile): void {
  const { type, linkTarget = '' } = entry;
  const attributes = attributesOf(entry, ownership);
  hash.add(attributes);
  hash.add(linkTarget);
  const xattrs = ownership === 'root' ? NO_XATTRS : tree.xattrs(path);
  addXattrs(hash, xattrs);
  const content = type === 'file' ? (tree.hash?.(path) ?? hashRead(tree, path)) : '';
  // The inner digest frames the content whatever its length turns out to be while it is read.
  hash.add(type === 'file' ? `${entry.size} ${content}` : '');
  if (files === undefined) return;
  const all = xattrs.size === 0 ? attributes : `${attributes} ${digestOfXattrs(xattrs)}`;
  files.add(path, all, type === 'symlink' ? linkTarget : content);
}

function attributesOf({ type, mode, uid, gid, device }: TreeEntry, ownership: CopyOrigin['ownership']): string {
  const owner = ownership === 'root' ? 'root' : `${uid}:${gid}`;
  return `${type} ${mode.toString(8)} ${owner} ${device?.major ?? 0}:${device?.minor ?? 0}`;
}

const NO_XATTRS: ReadonlyMap<ByteString, Uint8Array> = new Map();

function digestOfXattrs(xattrs: ReadonlyMap<ByteString, Uint8Array>): string {
  const hash = new FramedHash();
  addXattrs(hash, xattrs);
  return hash.digest();
}

function addXattrs(hash: FramedHash, xattrs: ReadonlyMap<ByteString, Uint8Array>): void {
  hash.add(String(xattrs.size));
  for (const name of [...xattrs.keys()].sort()) {
    hash.add(name);
    hash.add(Buffer.from(xattrs.get(name) ?? []).toString('hex'));
  }
}

function hashRead(tree: Tree, path: ByteString): string {
  const content = openSha256();
  for (const chunk of tree.read(path)) content.update(chunk);
  return content.digest('hex');
}

/** Characters. A call for each frame would cost more than the hashing. */
const PENDING = 1 << 16;

class FramedHash {
  #hash: Hash | undefined;
  #pending = '';

  /** Length first: no two sequences of frames give the same bytes. */
  add(text: string): void {
    this.#pending += `${text.length}:${text}`;
    if (this.#pending.length >= PENDING) this.#flush((this.#hash ??= openSha256()));
  }

  digest(): Digest {
    if (this.#hash === undefined) return `sha256:${sha256(this.#pending, 'latin1')}` as Digest;
    this.#flush(this.#hash);
    return `sha256:${this.#hash.digest('hex')}` as Digest;
  }

  #flush(hash: Hash): void {
    hash.update(this.#pending, 'latin1');
    this.#pending = '';
  }
}
