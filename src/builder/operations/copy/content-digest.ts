import { createHash, type Hash } from 'node:crypto';
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
  const hash = createHash('sha256');
  for (const selected of selection) {
    const isFolder = selected.entry.type === 'directory';
    frame(hash, isFolder ? 'folder' : `file ${selected.name}`);
    addEntry(hash, origin, selected);
    if (!isFolder) continue;
    for (const { relative, isParent, ...file } of walkSelection(selected, origin.tree)) {
      frame(hash, `${isParent ? 'parent' : 'entry'} ${relative}`);
      addEntry(hash, origin, file);
    }
  }
  return `sha256:${hash.digest('hex')}` as Digest;
}

interface TreeFile {
  readonly path: ByteString;
  readonly entry: TreeEntry;
}

function addEntry(hash: Hash, { tree, ownership }: CopyOrigin, { path, entry }: TreeFile): void {
  const { type, mode, uid, gid, device, linkTarget } = entry;
  const owner = ownership === 'root' ? 'root' : `${uid}:${gid}`;
  frame(hash, `${type} ${mode.toString(8)} ${owner} ${device?.major ?? 0}:${device?.minor ?? 0}`);
  frame(hash, linkTarget ?? '');
  addXattrs(hash, ownership === 'root' ? new Map() : tree.xattrs(path));
  frame(hash, type === 'file' ? contentOf(tree, { path, entry }) : '');
}

/** The inner digest frames the content whatever its length turns out to be while it is read. */
function contentOf(tree: Tree, { path, entry }: TreeFile): string {
  const content = createHash('sha256');
  for (const chunk of tree.read(path)) content.update(chunk);
  return `${entry.size} ${content.digest('hex')}`;
}

function addXattrs(hash: Hash, xattrs: ReadonlyMap<ByteString, Uint8Array>): void {
  frame(hash, String(xattrs.size));
  for (const name of [...xattrs.keys()].sort()) {
    frame(hash, name);
    frame(hash, Buffer.from(xattrs.get(name) ?? []).toString('hex'));
  }
}

/** Length first: no two sequences of frames give the same bytes. */
function frame(hash: Hash, text: string): void {
  hash.update(`${text.length}:`);
  hash.update(text, 'latin1');
}
