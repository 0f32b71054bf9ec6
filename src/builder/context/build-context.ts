import { createDirectoryTree } from '../../layers/directory-tree.js';
import { EMPTY_TREE, type Tree, type TreeEntry } from '../../layers/tree.js';
import { createIgnoreMatcher, type IgnoreMatcher } from '../../parser/ignore-file.js';
import { childPath } from '../../support/byte-path.js';
import { textOfBytes, type ByteString } from '../../support/byte-string.js';
import type { BuildRequest } from '../build-request.js';
import type { TreeResult } from '../operations/result.js';
import { ReadableTree } from './readable-tree.js';

/** The files of the build context that the ignore file leaves; none when there is no context. */
export function openBuildContext(request: Pick<BuildRequest, 'contextDirectory' | 'ignore'>): TreeResult {
  const context = { kind: 'tree', description: 'the build context', ignored: () => false } as const;
  if (request.contextDirectory === null) return { ...context, tree: EMPTY_TREE };
  const tree = new ReadableTree(createDirectoryTree(request.contextDirectory));
  if (request.ignore === null) return { ...context, tree };
  const matcher = createIgnoreMatcher(request.ignore.text, { file: request.ignore.name });
  return {
    ...context,
    tree: new IgnoringTree(tree, matcher),
    ignored: (path) => matcher.ignores(path),
    ignoredBy: (path) => matcher.ignoredBy(path),
  };
}

/** A tree without what an ignore file names. A directory that is ignored is there when something below it is taken in again. */
class IgnoringTree implements Tree {
  readonly #tree: Tree;
  readonly #matcher: IgnoreMatcher;

  constructor(tree: Tree, matcher: IgnoreMatcher) {
    this.#tree = tree;
    this.#matcher = matcher;
  }

  lstat(path: ByteString): TreeEntry | undefined {
    const entry = this.#tree.lstat(path);
    if (entry === undefined || path === '' || !this.#matcher.ignores(textOfBytes(path))) return entry;
    return entry.type === 'directory' && this.#holdsIncluded(path) ? entry : undefined;
  }

  list(path: ByteString): readonly ByteString[] {
    return this.#tree.list(path).filter((name) => this.lstat(childPath(path, name)));
  }

  xattrs(path: ByteString): ReadonlyMap<ByteString, Uint8Array> {
    return this.#tree.xattrs(path);
  }

  read(path: ByteString): Iterable<Uint8Array> {
    return this.#tree.read(path);
  }

  #holdsIncluded(directory: ByteString): boolean {
    return this.#matcher.mayContainIncluded(textOfBytes(directory)) && this.list(directory).length > 0;
  }
}
