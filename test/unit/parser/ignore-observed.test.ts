import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { IgnoringTree } from '../../../src/builder/context/ignoring-tree.js';
import { createIgnoreMatcher } from '../../../src/parser/ignore-file.js';
import { textOfBytes, type ByteString } from '../../../src/support/byte-string.js';
import { memoryTree } from '../../support/memory-tree.js';

interface Observed {
  /** By path: `file`, `directory`, or `link` and its text. */
  readonly tree: Readonly<Record<string, string>>;
  /** What BuildKit copied of the tree with an ignore file: all but what is gone, or what is kept alone. */
  readonly cases: readonly {
    readonly ignore: string;
    readonly gone?: readonly string[];
    readonly kept?: readonly string[];
    readonly error?: true;
  }[];
}

const observed = JSON.parse(readFileSync(new URL('ignore-observed.json', import.meta.url), 'utf8')) as Observed;
const paths = Object.keys(observed.tree);

function copied(ignore: string): string[] | 'error' {
  const files = Object.entries(observed.tree).map(([path, kind]) => {
    if (kind === 'directory') return [path, { type: 'directory' }] as const;
    return [path, kind === 'file' ? path : { type: 'symlink', linkTarget: kind.slice('link '.length) }] as const;
  });
  try {
    const matcher = createIgnoreMatcher(ignore, { file: '.dockerignore' });
    return pathsIn(new IgnoringTree(memoryTree(Object.fromEntries(files)), matcher), '' as ByteString).sort();
  } catch {
    return 'error';
  }
}

function pathsIn(tree: IgnoringTree, directory: ByteString): string[] {
  return tree.list(directory).flatMap((name) => {
    const path = (directory === '' ? name : `${directory}/${name}`) as ByteString;
    return [textOfBytes(path), ...(tree.lstat(path)?.type === 'directory' ? pathsIn(tree, path) : [])];
  });
}

describe('an ignore file leaves what BuildKit was seen to leave', () => {
  test.each(observed.cases)('$ignore', ({ ignore, gone = [], kept, error }) => {
    const wanted = kept ?? paths.filter((path) => !gone.includes(path));
    expect(copied(ignore)).toEqual(error === true ? 'error' : [...wanted].sort());
  });
});
