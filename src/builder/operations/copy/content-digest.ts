import { createHash } from 'node:crypto';
import type { Tree, TreeEntry } from '../../../layers/tree.js';
import type { Digest } from '../../../oci/digest.js';
import type { ByteString } from '../../../support/byte-string.js';
import type { CopyOrigin } from './copy-origin.js';
import type { CopySelection } from './copy-selection.js';
import { walkSelection } from './copy-walk.js';

/**
 * Digest over all of a selection that can reach the image: names below each source, types, modes, owners, sizes, link texts,
 * device numbers, extended attributes and contents. Not the times: a file that was only touched is the same (dockerfile.md 109).
 * The path of a source counts by its last name, and only where it names what is made (dockerfile.md 110).
 */
export function contentDigest(origin: CopyOrigin, selection: readonly CopySelection[]): Digest {
  const hash = new FramedHash();
  for (const selected of selection) {
    const isFolder = selected.entry.type === 'directory';
    hash.add(isFolder ? 'folder' : `file ${selected.name}`);
    addEntry(hash, origin, selected);
    if (!isFolder) continue;
    for (const { relative, isParent, ...file } of walkSelection(selected, origin.tree)) {
      hash.add(`${isParent ? 'parent' : 'entry'} ${relative}`);
      addEntry(hash, origin, file);
    }
  }
  return hash.digest();
}

interface TreeFile {
  readonly path: ByteString;
  readonly entry: TreeEntry;
}

function addEntry(hash: FramedHash, { tree, ownership }: CopyOrigin, { path, entry }: TreeFile): void {
  const { type, mode, uid, gid, device, linkTarget } = entry;
  const owner = ownership === 'root' ? 'root' : `${uid}:${gid}`;
  hash.add(`${type} ${mode.toString(8)} ${owner} ${device?.major ?? 0}:${device?.minor ?? 0}`);
  hash.add(linkTarget ?? '');
  addXattrs(hash, ownership === 'root' ? new Map() : tree.xattrs(path));
  hash.add(type === 'file' ? contentOf(tree, { path, entry }) : '');
}

/** The inner digest frames the content whatever its length turns out to be while it is read. */
function contentOf(tree: Tree, { path, entry }: TreeFile): string {
  return `${entry.size} ${tree.hash?.(path) ?? hashRead(tree, path)}`;
}

function addXattrs(hash: FramedHash, xattrs: ReadonlyMap<ByteString, Uint8Array>): void {
  hash.add(String(xattrs.size));
  for (const name of [...xattrs.keys()].sort()) {
    hash.add(name);
    hash.add(Buffer.from(xattrs.get(name) ?? []).toString('hex'));
  }
}

function hashRead(tree: Tree, path: ByteString): string {
  const content = createHash('sha256');
  for (const chunk of tree.read(path)) content.update(chunk);
  return content.digest('hex');
}

/** Characters. A call for each frame would cost more than the hashing. */
const PENDING = 1 << 16;

class FramedHash {
  readonly #hash = createHash('sha256');
  #pending = '';

  /** Length first: no two sequences of frames give the same bytes. */
  add(text: string): void {
    this.#pending += `${text.length}:${text}`;
    if (this.#pending.length >= PENDING) this.#flush();
  }

  digest(): Digest {
    this.#flush();
    return `sha256:${this.#hash.digest('hex')}` as Digest;
  }

  #flush(): void {
    this.#hash.update(this.#pending, 'latin1');
    this.#pending = '';
  }
}
