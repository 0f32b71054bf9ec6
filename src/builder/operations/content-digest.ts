import { createHash, type Hash } from 'node:crypto';
import type { Tree, TreeEntry } from '../../layers/tree.js';
import type { Digest } from '../../oci/digest.js';
import { childPath } from '../../support/byte-path.js';
import type { ByteString } from '../../support/byte-string.js';
import type { CopySelection } from './copy-selection.js';

export interface ContentDigestOptions {
  /** Leaves owners and extended attributes out: those of a build context do not reach the image. */
  readonly fromContext: boolean;
}

/**
 * Digest over all of a selection that can reach the image: names below each source, types, modes, owners, sizes, link texts,
 * device numbers, extended attributes and contents. Not the times: a file that was only touched is the same (dockerfile.md 109).
 * The path of a source counts by its last name, and only where it names what is made (dockerfile.md 110).
 */
export function contentDigest(tree: Tree, selection: readonly CopySelection[], options: ContentDigestOptions): Digest {
  const hash = createHash('sha256');
  for (const { path, name, entry } of selection) {
    frame(hash, entry.type === 'directory' ? '' : name);
    addEntry(hash, { tree, options, path, entry });
  }
  return `sha256:${hash.digest('hex')}` as Digest;
}

interface Visit {
  readonly tree: Tree;
  readonly options: ContentDigestOptions;
  readonly path: ByteString;
  readonly entry: TreeEntry;
}

function addEntry(hash: Hash, { tree, options, path, entry }: Visit): void {
  frame(hash, attributes(entry, options));
  frame(hash, entry.linkTarget ?? '');
  if (!options.fromContext) addXattrs(hash, tree.xattrs(path));
  if (entry.type === 'file') addContent(hash, tree, { path, size: entry.size });
  if (entry.type === 'directory') addChildren(hash, { tree, options, path });
  hash.update('end\0');
}

function attributes({ type, mode, uid, gid, device }: TreeEntry, { fromContext }: ContentDigestOptions): string {
  const owner = fromContext ? 'context' : `${uid}:${gid}`;
  return `${type} ${mode.toString(8)} ${owner} ${device?.major ?? 0}:${device?.minor ?? 0}`;
}

function addChildren(hash: Hash, { tree, options, path }: Omit<Visit, 'entry'>): void {
  for (const name of tree.list(path)) {
    const child = childPath(path, name);
    const entry = tree.lstat(child);
    if (entry === undefined || entry.type === 'socket') continue;
    frame(hash, name);
    addEntry(hash, { tree, options, path: child, entry });
  }
}

function addContent(hash: Hash, tree: Tree, { path, size }: { path: ByteString; size: number }): void {
  // The inner digest frames the content whatever its length turns out to be while it is read.
  const content = createHash('sha256');
  for (const chunk of tree.read(path)) content.update(chunk);
  frame(hash, `${size} ${content.digest('hex')}`);
}

function addXattrs(hash: Hash, xattrs: ReadonlyMap<ByteString, Uint8Array>): void {
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
