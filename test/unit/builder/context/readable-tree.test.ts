import { describe, expect, test } from 'vitest';
import { ReadableTree } from '../../../../src/builder/context/readable-tree.js';
import type { Tree } from '../../../../src/layers/tree.js';
import { bytesOfText } from '../../../../src/support/byte-string.js';
import { memoryTree } from '../../../support/memory-tree.js';

/** A tree whose every method fails as the file system does. */
function failingTree(code: string): Tree {
  const fail = (): never => {
    throw Object.assign(new Error(`${code}: open`), { code });
  };
  return { lstat: fail, list: fail, xattrs: fail, read: fail };
}

const METHODS: readonly (readonly [name: string, call: (tree: Tree) => unknown])[] = [
  ['lstat', (tree) => tree.lstat(bytesOfText('d/f'))],
  ['list', (tree) => tree.list(bytesOfText('d/f'))],
  ['xattrs', (tree) => tree.xattrs(bytesOfText('d/f'))],
  ['read', (tree) => [...tree.read(bytesOfText('d/f'))]],
];

describe('ReadableTree', () => {
  test.each(METHODS)('%s() gives what the tree has', (_, call) => {
    const tree = memoryTree({ 'd/f': 'text' });
    expect(call(new ReadableTree(tree))).toEqual(call(tree));
  });

  test.each(METHODS)('%s() names what may not be read', (_, call) => {
    for (const code of ['EACCES', 'EPERM']) {
      expect(() => call(new ReadableTree(failingTree(code)))).toThrow(
        expect.objectContaining({
          code: 'CONTEXT_INVALID',
          message: 'cannot read "d/f" in the build context: permission denied',
        }) as Error,
      );
    }
  });

  test.each(METHODS)('%s() leaves other errors as they are', (_, call) => {
    expect(() => call(new ReadableTree(failingTree('EIO')))).toThrow('EIO: open');
  });
});
