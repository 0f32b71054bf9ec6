import type { Tree, TreeEntry } from '../../layers/tree.js';
import { textOfBytes, type ByteString } from '../../support/byte-string.js';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';

/**
 * A folder of the user, in which some files may be closed to the user: then its methods say which.
 * @throws `CONTEXT_INVALID`
 */
export class ReadableTree implements Tree {
  readonly #tree: Tree;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  lstat(path: ByteString): TreeEntry | undefined {
    return explaining(path, () => this.#tree.lstat(path));
  }

  list(path: ByteString): readonly ByteString[] {
    return explaining(path, () => this.#tree.list(path));
  }

  xattrs(path: ByteString): ReadonlyMap<ByteString, Uint8Array> {
    return explaining(path, () => this.#tree.xattrs(path));
  }

  *read(path: ByteString): Generator<Uint8Array, void, undefined> {
    try {
      yield* this.#tree.read(path);
    } catch (error) {
      throw explained(path, error);
    }
  }
}

function explaining<T>(path: ByteString, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw explained(path, error);
  }
}

function explained(path: ByteString, error: unknown): unknown {
  const code = systemErrorCode(error);
  if (code !== 'EACCES' && code !== 'EPERM') return error;
  const name = path === '' ? '.' : textOfBytes(path);
  return new TsbuildError('CONTEXT_INVALID', `cannot read "${name}" in the build context: permission denied`, {
    hint: 'Make it readable for the user who builds, or leave it out with a line in .dockerignore.',
    cause: error,
  });
}
