import { textOfBytes, type ByteString } from '../support/byte-string.js';
import { TsbuildError } from '../support/errors.js';
import { childPath, parentPath, pathComponents, ROOT } from '../support/byte-path.js';
import type { Tree, TreeEntry } from './tree.js';

/** As the kernel has it (path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * Where a path leads in a tree, its symbolic links followed as a process would whose root is the tree's: absolute ones start at
 * the root again, `..` ends there. The result has no links in it but, with `followLast: false`, maybe its last component.
 * Components that do not exist are kept as they are: that is where a file would be made.
 * @param path may be absolute, and have `.` and `..` in it
 * @returns `undefined` when a component that has others after it is neither a directory nor missing
 * @throws `LAYER_INVALID` after more than 40 links
 */
export function resolveInTree(
  tree: Pick<Tree, 'lstat'>,
  path: ByteString,
  options: { readonly followLast: boolean },
): ByteString | undefined {
  const pending = pathComponents(path).reverse();
  let current = ROOT;
  let links = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === ('..' as ByteString)) {
      current = parentPath(current);
      continue;
    }
    const next = childPath(current, name);
    const entry = tree.lstat(next);
    const target = pending.length > 0 || options.followLast ? entry?.linkTarget : undefined;
    if (target !== undefined) {
      if (++links > MAX_LINKS) throw tooManyLinks(path);
      if (target.startsWith('/')) current = ROOT;
      pending.push(...pathComponents(target).reverse());
    } else {
      if (isNoDirectory(entry) && pending.length > 0) return undefined;
      current = next;
    }
  }
  return current;
}

function isNoDirectory(entry: TreeEntry | undefined): boolean {
  return entry !== undefined && entry.type !== 'directory';
}

function tooManyLinks(path: ByteString): TsbuildError {
  return new TsbuildError(
    'LAYER_INVALID',
    `cannot resolve path "/${textOfBytes(path).replace(/^\/+/, '')}": ELOOP, more than ${MAX_LINKS} symbolic links`,
    { hint: 'Some of these links lead to each other: remove them from the image or the build context.' },
  );
}
