import { goMatch } from '../../parser/go-match.js';
import { resolveInTree } from '../../layers/resolve-in-tree.js';
import type { Tree, TreeEntry } from '../../layers/tree.js';
import { baseName, childPath, parentPath } from '../../support/byte-path.js';
import { bytesOfText, compareBytes, textOfBytes, type ByteString } from '../../support/byte-string.js';
import { TsbuildError } from '../../support/errors.js';
import { suggest } from '../../support/suggest.js';
import type { CopyOperation } from '../operation.js';

/** One thing to copy: a pattern may select many. */
export interface CopySelection {
  /** Where it is, symbolic links resolved within the tree. */
  readonly path: ByteString;
  /** The name it was selected by: a link's own, not its target's. */
  readonly name: ByteString;
  readonly entry: TreeEntry;
}

export interface SelectionSource {
  readonly tree: Tree;
  readonly ignored: (path: string) => boolean;
  /** `the build context`, `stage "builder"`: for messages. */
  readonly description: string;
}

/**
 * What the sources of a COPY select. A wildcard may match nothing, a plain path must exist (dockerfile.md 78).
 * @throws `COPY_FAILED`
 */
export function selectSources(operation: CopyOperation, source: SelectionSource): readonly CopySelection[] {
  return operation.sources.flatMap((one) => {
    if (one.kind !== 'path') return [];
    const { pattern } = one;
    if (!hasWildcard(pattern)) return [selectPath(pattern, source)];
    return matches(source.tree, bytesOfText(pattern)).map((path) => selectMatch(path, source.tree));
  });
}

function hasWildcard(pattern: string): boolean {
  return /[*?[\\]/.test(pattern);
}

function selectPath(text: string, { tree, ignored, description }: SelectionSource): CopySelection {
  const path = bytesOfText(text);
  const resolved = resolveInTree(tree, path, { followLast: true });
  const entry = resolved === undefined ? undefined : tree.lstat(resolved);
  if (resolved === undefined || entry === undefined) throw missing(text, { tree, ignored, description });
  return { path: resolved, name: baseName(path), entry };
}

function selectMatch(path: ByteString, tree: Tree): CopySelection {
  const resolved = resolveInTree(tree, path, { followLast: true });
  const entry = resolved === undefined ? undefined : tree.lstat(resolved);
  if (resolved === undefined || entry === undefined) {
    throw new TsbuildError('COPY_FAILED', `cannot copy "${textOfBytes(path)}": it is a symbolic link to nothing`, {
      hint: 'A link that a source names is followed inside its root; one below a copied folder is copied as it is.',
    });
  }
  return { path: resolved, name: baseName(path), entry };
}

function missing(text: string, { tree, ignored, description }: SelectionSource): TsbuildError {
  if (ignored(text)) {
    return new TsbuildError('COPY_FAILED', `cannot copy "${text}": the ignore file leaves it out of ${description}`, {
      hint: `Add "!${text}" at the end of the ignore file to take it in.`,
    });
  }
  const parent = parentPath(bytesOfText(text));
  const siblings = tree.lstat(parent)?.type === 'directory' ? tree.list(parent).map(textOfBytes) : [];
  const near = suggest(textOfBytes(baseName(bytesOfText(text))), siblings);
  return new TsbuildError('COPY_FAILED', `cannot copy "${text}": not found in ${description}`, {
    hint: near === undefined ? `Paths are relative to the root of ${description}.` : `Did you mean "${near}"?`,
  });
}

/** Paths that match, sorted. A pattern is matched segment by segment, as `*` does not cross a slash (dockerfile.md 77). */
function matches(tree: Tree, pattern: ByteString): readonly ByteString[] {
  let found: ByteString[] = ['' as ByteString];
  for (const segment of pattern.split('/') as ByteString[]) {
    found = found.flatMap((directory) => matchesIn(tree, directory, segment));
  }
  return found.sort(compareBytes);
}

function matchesIn(tree: Tree, directory: ByteString, segment: ByteString): ByteString[] {
  const resolved = resolveInTree(tree, directory, { followLast: true });
  if (resolved === undefined || tree.lstat(resolved)?.type !== 'directory') return [];
  return tree
    .list(resolved)
    .filter((name) => goMatch(segment, name))
    .map((name) => childPath(directory, name));
}
