import { goMatch } from '../../../parser/go-match.js';
import { resolveInTree } from '../../../layers/resolve-in-tree.js';
import type { Tree, TreeEntry } from '../../../layers/tree.js';
import { baseName, childPath } from '../../../support/byte-path.js';
import { bytesOfText, textOfBytes, type ByteString } from '../../../support/byte-string.js';
import { TsbuildError } from '../../../support/errors.js';
import type { CopyOperation, CopySource } from '../../operation.js';
import { copyFilter, EVERYTHING, type CopyFilter } from './copy-filter.js';
import { walkSelection } from './copy-walk.js';
import type { CopyOrigin } from './copy-origin.js';
import { sourceNotFound } from './source-not-found.js';

/** One thing to copy: a pattern may select many. */
export interface CopySelection {
  /** Where it is, symbolic links resolved within the tree. */
  readonly path: ByteString;
  /** The name it was selected by: a link's own, not its target's. */
  readonly name: ByteString;
  readonly entry: TreeEntry;
  /** Of a folder: what of it is copied. A file that a source names is copied whatever `--exclude` says, as BuildKit has it. */
  readonly filter: CopyFilter;
}

type TreeSource = Exclude<CopySource, { kind: 'inline' }>;

/**
 * What a source of a COPY selects. A wildcard may match nothing, a plain path must exist (dockerfile.md 78).
 * @throws `COPY_FAILED`; `DOCKERFILE_SEMANTICS` for a malformed pattern
 */
export function selectSource(
  source: TreeSource,
  origin: CopyOrigin,
  operation: Pick<CopyOperation, 'parents' | 'exclude'>,
): readonly CopySelection[] {
  if (source.kind === 'remote') return [selectPath(source.name, origin, copyFilter(operation))];
  if (operation.parents === true) return selectWithParents(source, origin, operation);
  return selectPattern(source.pattern, origin, copyFilter(operation));
}

function selectPattern(pattern: string, origin: CopyOrigin, filter: CopyFilter): readonly CopySelection[] {
  if (!hasWildcard(pattern)) return [selectPath(pattern, origin, filter)];
  return matches(origin, pattern).map((path) => selectMatch(path, origin.tree, filter));
}

/** The folders that the pivot names, and of each what the pattern does: its path below them is kept. */
function selectWithParents(
  { pattern, pivot = '' }: Extract<CopySource, { kind: 'path' }>,
  origin: CopyOrigin,
  operation: Pick<CopyOperation, 'exclude'>,
): readonly CopySelection[] {
  const selections = selectPattern(pivot, origin, copyFilter(operation, pattern));
  const isRequired = !hasWildcard(pivot) && !hasWildcard(pattern);
  if (isRequired && !selections.some((selection) => selectsSomething(selection, origin.tree))) {
    throw sourceNotFound(pivot === '' ? pattern : `${pivot}/${pattern}`, origin);
  }
  return selections;
}

function selectsSomething(selection: CopySelection, tree: Tree): boolean {
  if (selection.entry.type !== 'directory' || selection.filter === EVERYTHING) return true;
  return walkSelection(selection, tree)[Symbol.iterator]().next().done !== true;
}

/** As Go's filepath.Match sees it; a backslash takes the meaning of what follows. */
function hasWildcard(pattern: string): boolean {
  return /^(?:[^\\*?[]|\\.)*[*?[]/su.test(pattern);
}

function selectPath(text: string, origin: CopyOrigin, filter: CopyFilter): CopySelection {
  const path = bytesOfText(text);
  const resolved = resolveInTree(origin.tree, path, { followLast: true });
  const entry = resolved === undefined ? undefined : origin.tree.lstat(resolved);
  if (resolved === undefined || entry === undefined) throw sourceNotFound(text, origin);
  return { path: resolved, name: baseName(path), entry, filter };
}

function selectMatch(path: ByteString, tree: Tree, filter: CopyFilter): CopySelection {
  const resolved = resolveInTree(tree, path, { followLast: true });
  const entry = resolved === undefined ? undefined : tree.lstat(resolved);
  if (resolved === undefined || entry === undefined) {
    throw new TsbuildError('COPY_FAILED', `cannot copy "${textOfBytes(path)}": it is a symbolic link to nothing`, {
      hint: 'A link that a source names is followed inside its root; one below a copied folder is copied as it is.',
      details: { word: textOfBytes(path) },
    });
  }
  return { path: resolved, name: baseName(path), entry, filter };
}

/**
 * Paths that match, sorted by component. Links are followed in what stands before the first wildcard, and not behind it; `*` does
 * not cross a slash (dockerfile.md 77).
 * @throws `COPY_FAILED` when the folder before the first wildcard is not there
 */
function matches(origin: CopyOrigin, pattern: string): readonly ByteString[] {
  const { tree } = origin;
  const segments = pattern.split('/');
  const first = segments.findIndex(hasWildcard);
  let found: ByteString[] = [matchedFolder(segments.slice(0, first).join('/'), origin)];
  for (const segment of segments.slice(first)) {
    found = found.flatMap((directory) => matchesIn(tree, directory, segment));
  }
  return found;
}

/** BuildKit looks into it whatever the wildcard: of the build context it has only folders for that, of a stage also files. */
function matchedFolder(text: string, origin: CopyOrigin): ByteString {
  const { path, entry } = selectPath(text, origin, EVERYTHING);
  if (entry.type === 'directory' || origin.ownership === 'kept') return path;
  throw new TsbuildError('COPY_FAILED', `cannot copy from "${text}": it is no directory`, {
    hint: 'What stands before a wildcard is a folder; to copy the file, name it alone.',
    details: { word: text },
  });
}

function matchesIn(tree: Tree, directory: ByteString, segment: string): ByteString[] {
  if (tree.lstat(directory)?.type !== 'directory') return [];
  const names = tree.list(directory).filter((name) => goMatch(segment, textOfBytes(name)));
  return names.map((name) => childPath(directory, name));
}
