import type { Tree, TreeEntry } from '../../layers/tree.js';
import type { IgnoreMatcher } from '../../parser/ignore-file.js';
import { childPath } from '../../support/byte-path.js';
import { textOfBytes, type ByteString } from '../../support/byte-string.js';

const NO_XATTRS: ReadonlyMap<ByteString, Uint8Array> = new Map();

/**
 * The files of a folder of this host as a build sees them: without what an ignore file names, owned by 0:0, without extended
 * attributes. A directory that is ignored is there when something below it is taken in again.
 */
export class IgnoringTree implements Tree {
  readonly hash: Tree['hash'];
  readonly #tree: Tree;
  readonly #matcher: IgnoreMatcher | null;

  constructor(tree: Tree, matcher: IgnoreMatcher | null, hash?: Tree['hash']) {
    this.#tree = tree;
    this.#matcher = matcher;
    this.hash = hash;
  }

  lstat(path: ByteString): TreeEntry | undefined {
    const entry = this.#tree.lstat(path);
    if (entry === undefined) return undefined;
    const own = { ...entry, uid: 0, gid: 0 };
    if (this.#matcher === null || path === '' || !this.#matcher.ignores(textOfBytes(path))) return own;
    return own.type === 'directory' && this.#holdsIncluded(path, this.#matcher) ? own : undefined;
  }

  list(path: ByteString): readonly ByteString[] {
    const names = this.#tree.list(path);
    const matcher = this.#matcher;
    if (matcher === null) return names;
    // Only what is ignored has to be looked at: it may be a directory with something in it that is not.
    return names.filter((name) => {
      const child = childPath(path, name);
      return !matcher.ignores(textOfBytes(child)) || this.lstat(child) !== undefined;
    });
  }

  xattrs(): ReadonlyMap<ByteString, Uint8Array> {
    return NO_XATTRS;
  }

  read(path: ByteString): Iterable<Uint8Array> {
    return this.#tree.read(path);
  }

  #holdsIncluded(directory: ByteString, matcher: IgnoreMatcher): boolean {
    return matcher.mayContainIncluded(textOfBytes(directory)) && this.list(directory).length > 0;
  }
}
