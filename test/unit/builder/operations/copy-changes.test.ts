import { describe, expect, test } from 'vitest';
import type { CopyOperation } from '../../../../src/builder/operation.js';
import { contentDigest } from '../../../../src/builder/operations/content-digest.js';
import { copyChanges } from '../../../../src/builder/operations/copy-changes.js';
import { selectSources } from '../../../../src/builder/operations/copy-selection.js';
import type { Tree } from '../../../../src/layers/tree.js';
import { memoryTree, type MemoryFile } from '../../../support/memory-tree.js';

type Files = Readonly<Record<string, MemoryFile | string>>;
interface Case {
  readonly source: Files;
  readonly base?: Files;
  readonly sources: readonly string[];
  readonly destination: string;
  readonly more?: Partial<Omit<CopyOperation, 'sources' | 'destination'>>;
  readonly owner?: { uid: number; gid: number };
  readonly ignored?: readonly string[];
}

function operationOf({ sources, destination, more }: Case): CopyOperation {
  const paths = sources.map((pattern) => ({ kind: 'path', input: 1, pattern }) as const);
  return { kind: 'copy', keyword: 'COPY', fromContext: true, sources: paths, destination, ...more };
}

function selectionOf(given: Case, tree: Tree) {
  const ignored = (path: string): boolean => given.ignored?.includes(path) ?? false;
  return selectSources(operationOf(given), { tree, ignored, description: 'the build context' });
}

/** One line an entry: `type mode uid:gid path content`. */
function copied(given: Case): readonly string[] {
  const [source, base] = [memoryTree(given.source), memoryTree(given.base ?? {})];
  const changes = copyChanges({
    operation: operationOf(given),
    base,
    source,
    selection: selectionOf(given, source),
    owner: given.owner,
    made: { seconds: 0, nanoseconds: 0 },
  });
  return changes.map((change) => {
    if (change.kind !== 'upsert') return change.kind;
    const { type, mode, uid, gid, path, linkTarget, mtime } = change.entry;
    const content = [...((change.open?.() ?? []) as Iterable<Uint8Array>)].join('');
    const tail = [content, linkTarget === undefined ? '' : `-> ${linkTarget}`].filter((text) => text !== '').join(' ');
    return `${type} ${mode.toString(8)} ${uid}:${gid} ${path} @${mtime.seconds} ${tail}`.trimEnd();
  });
}

describe('copyChanges()', () => {
  test('pitfall 73: a folder gives its contents, never itself', () => {
    expect(copied({ source: { 'dir/a': 'A', 'dir/sub/b': 'B' }, sources: ['dir'], destination: '/x' })).toEqual([
      'directory 755 0:0 x @1000',
      'file 644 0:0 x/a @1000 A',
      'directory 755 0:0 x/sub @1000',
      'file 644 0:0 x/sub/b @1000 B',
    ]);
  });

  test('pitfall 74: the slash at the end of the destination decides, an existing directory as well', () => {
    const source = { f: 'F' };
    expect(copied({ source, sources: ['f'], destination: '/x' })).toEqual(['file 644 0:0 x @1000 F']);
    expect(copied({ source, sources: ['f'], destination: '/x/' })).toEqual([
      'directory 755 0:0 x @0',
      'file 644 0:0 x/f @1000 F',
    ]);
    expect(copied({ source, base: { 'x/': { mode: 0o700, uid: 5 } }, sources: ['f'], destination: '/x' })).toEqual([
      'directory 700 5:0 x @1000',
      'file 644 0:0 x/f @1000 F',
    ]);
  });

  test('pitfall 75: several files onto one name fail, into an existing directory they do not', () => {
    const files = { source: { a: 'A', b: 'B' }, sources: ['a', 'b'], destination: '/x' };
    expect(() => copied(files)).toThrow('cannot copy 2 files to "/x": it is no directory');
    expect(copied({ ...files, base: { 'x/': {} } })).toHaveLength(3);
  });

  test('pitfall 77: a wildcard does not cross a slash, takes hidden files and merges the contents of folders', () => {
    const source = { '.h': 'H', 'd1/a': 'A', 'd2/b': 'B', 'd2/deep/c': 'C' };
    expect(copied({ source, sources: ['d*'], destination: '/x/' }).map((line) => line.split(' ')[3])).toEqual([
      'x',
      'x/a',
      'x/b',
      'x/deep',
      'x/deep/c',
    ]);
    expect(copied({ source, sources: ['*h'], destination: '/x/' }).map((line) => line.split(' ')[3])).toEqual([
      'x',
      'x/.h',
    ]);
  });

  test('pitfall 78: a wildcard without a match is no error, a missing path is', () => {
    expect(copied({ source: {}, sources: ['no*'], destination: '/x/' })).toEqual([]);
    expect(() => copied({ source: { main: '' }, sources: ['mian'], destination: '/x' })).toThrow(
      expect.objectContaining({ code: 'COPY_FAILED', hint: 'Did you mean "main"?' }),
    );
  });

  test('pitfall 80: a link that is a source is followed, links below a folder stay links', () => {
    const source = {
      'real/f': 'F',
      'real/l': { link: 'f' },
      name: { link: 'real/f' },
      out: { link: '../../etc/passwd' },
    };
    expect(copied({ source, sources: ['name'], destination: '/x/' })).toContain('file 644 0:0 x/name @1000 F');
    expect(copied({ source, sources: ['real'], destination: '/x' })).toContain('symlink 777 0:0 x/l @1000 -> f');
    expect(() => copied({ source, sources: ['out'], destination: '/x' })).toThrow('not found in the build context');
  });

  test('pitfall 81: links in the image are followed inside its root', () => {
    const base = { 'usr/lib/': {}, lib: { link: '/usr/lib' }, up: { link: '../../../usr' } };
    expect(copied({ source: { f: 'F' }, base, sources: ['f'], destination: '/lib/' }).at(-1)).toBe(
      'file 644 0:0 usr/lib/f @1000 F',
    );
    expect(copied({ source: { f: 'F' }, base, sources: ['f'], destination: '/up/new/' }).at(-1)).toBe(
      'file 644 0:0 usr/new/f @1000 F',
    );
  });

  test('pitfall 82: a file of a folder replaces a link of its name', () => {
    const base = { 'x/f': { link: '/etc/passwd' } };
    expect(copied({ source: { 'd/f': 'F' }, base, sources: ['d'], destination: '/x' }).at(-1)).toBe(
      'file 644 0:0 x/f @1000 F',
    );
  });

  test('pitfall 83: a file does not replace a directory, nor a folder a file', () => {
    expect(() => copied({ source: { 'd/f': 'F' }, base: { 'x/f/': {} }, sources: ['d'], destination: '/x' })).toThrow(
      'a directory is in its place',
    );
    expect(() =>
      copied({ source: { 'd/f/a': 'F' }, base: { 'x/f': 'file' }, sources: ['d'], destination: '/x' }),
    ).toThrow('a file is in its place');
  });

  test('pitfalls 84 and 85: a new destination is 0755, below it folders have their own modes', () => {
    const source = { 'd/': { mode: 0o700 }, 'd/s/': { mode: 0o711 } };
    expect(copied({ source, base: { 'x/s/': {} }, sources: ['d'], destination: '/x' })).toEqual([
      'directory 755 0:0 x @1000',
      'directory 711 0:0 x/s @1000',
    ]);
    expect(copied({ source, sources: ['d'], destination: '/new' })[0]).toBe('directory 755 0:0 new @1000');
  });

  test('pitfall 86: parents that are made have the owner and mode that were asked for', () => {
    const more = { chown: '7:8', chmod: '640' };
    expect(
      copied({ source: { f: 'F' }, sources: ['f'], destination: '/a/b/f', more, owner: { uid: 7, gid: 8 } }),
    ).toEqual(['directory 640 7:8 a @0', 'directory 640 7:8 a/b @0', 'file 640 7:8 a/b/f @1000 F']);
  });

  test.each([
    ['777', '755'],
    ['1777', '755'],
    ['2775', '755'],
    ['711', '711'],
    ['600', '600'],
  ])('pitfall 86: with --chmod=%s they have %s, as mkdir makes them', (chmod, mode) => {
    const [parent, file] = copied({ source: { f: 'F' }, sources: ['f'], destination: '/a/f', more: { chmod } });
    expect([parent, file]).toEqual([`directory ${mode} 0:0 a @0`, `file ${chmod} 0:0 a/f @1000 F`]);
  });

  test('pitfall 87: files of the context belong to root and keep their bits, those of a stage keep their owner', () => {
    const source = { f: { text: 'F', uid: 1000, gid: 1000, mode: 0o4755 } };
    expect(copied({ source, sources: ['f'], destination: '/f' })).toEqual(['file 4755 0:0 f @1000 F']);
    expect(copied({ source, sources: ['f'], destination: '/f', more: { fromContext: false } })).toEqual([
      'file 4755 1000:1000 f @1000 F',
    ]);
  });

  test('pitfall 92: names of one file stay names of one file', () => {
    const source = { 'd/a': { text: 'A', inode: '1' }, 'd/b': { text: 'A', inode: '1' } };
    expect(copied({ source, sources: ['d'], destination: '/x' }).slice(1)).toEqual([
      'file 644 0:0 x/a @1000 A',
      'hardlink 644 0:0 x/b @1000 -> x/a',
    ]);
  });

  test('pitfall 92: but not when two sources name it, each of which is copied for itself', () => {
    const source = { a: { text: 'A', inode: '1' }, b: { text: 'A', inode: '1' } };
    expect(copied({ source, sources: ['a', 'b'], destination: '/x/' }).slice(1)).toEqual([
      'file 644 0:0 x/a @1000 A',
      'file 644 0:0 x/b @1000 A',
    ]);
  });

  test('what the image has already is not in the layer, nor are its parents without a change below them', () => {
    const [source, base] = [
      { 'd/a': 'A', 'd/s/b': 'B' },
      { 'x/a': 'A', 'x/s/b': 'B', 'x/other': 'O' },
    ];
    const onto = { sources: ['d'], destination: '/x' };
    expect(copied({ source, base, ...onto })).toEqual([]);
    expect(copied({ source: { ...source, 'd/s/b': 'C' }, base, ...onto })).toEqual([
      'directory 755 0:0 x @1000',
      'directory 755 0:0 x/s @1000',
      'file 644 0:0 x/s/b @1000 C',
    ]);
  });

  test.each([
    ['content of the same size', 'B'],
    ['size', 'AA'],
    ['mode', { text: 'A', mode: 0o600 }],
    ['time', { text: 'A', mtime: { seconds: 1001, nanoseconds: 0 } }],
  ] as const)('another %s is a change', (_, file) => {
    expect(copied({ source: { f: file }, base: { f: 'A' }, sources: ['f'], destination: '/f' })).toHaveLength(1);
  });

  test('all names of a file are written when one of them is new', () => {
    const source = { 'd/a': { text: 'A', inode: '1' }, 'd/b': { text: 'A', inode: '1' } };
    expect(copied({ source, base: { 'x/a': 'A' }, sources: ['d'], destination: '/x' })).toEqual([
      'directory 755 0:0 x @1000',
      'file 644 0:0 x/a @1000 A',
      'hardlink 644 0:0 x/b @1000 -> x/a',
    ]);
  });

  test('times are whole seconds, also where they are compared', () => {
    const source = { f: { text: 'A', mtime: { seconds: 1000, nanoseconds: 5 } } };
    expect(copied({ source, base: { f: 'A' }, sources: ['f'], destination: '/f' })).toEqual([]);
    const [change] = copyChanges({
      operation: operationOf({ source, sources: ['f'], destination: '/g' }),
      base: memoryTree({}),
      source: memoryTree(source),
      selection: selectionOf({ source, sources: ['f'], destination: '/g' }, memoryTree(source)),
      made: { seconds: 0, nanoseconds: 0 },
    });
    expect(change).toMatchObject({ entry: { mtime: { seconds: 1000, nanoseconds: 0 } } });
  });

  test('pitfall 106: what the ignore file leaves out is said to be so', () => {
    expect(() => copied({ source: {}, sources: ['secret'], destination: '/x', ignored: ['secret'] })).toThrow(
      'the ignore file leaves it out of the build context',
    );
  });
});

describe('contentDigest()', () => {
  const digest = (source: Files, sources: readonly string[], fromContext = true): string => {
    const tree = memoryTree(source);
    return contentDigest(tree, selectionOf({ source, sources, destination: '/' }, tree), { fromContext });
  };

  test('pitfall 109: times do not count; content, mode, type and names do', () => {
    const base = digest({ 'd/f': 'F' }, ['d']);
    expect(digest({ 'd/f': { text: 'F', mtime: { seconds: 9, nanoseconds: 9 } } }, ['d'])).toBe(base);
    for (const files of [
      { 'd/f': 'G' },
      { 'd/g': 'F' },
      { 'd/f': { text: 'F', mode: 0o755 } },
      { 'd/f': { link: 'F' } },
      { 'd/f': 'F', 'd/g': '' },
      { 'd/f/': {} },
    ] as Files[]) {
      expect(digest(files, ['d'])).not.toBe(base);
    }
  });

  test('pitfall 110: the folder a file comes from does not count, its own name does', () => {
    expect(digest({ 'one/f': 'F' }, ['one/f'])).toBe(digest({ 'two/f': 'F' }, ['two/f']));
    expect(digest({ 'one/f': 'F' }, ['one'])).toBe(digest({ 'two/f': 'F' }, ['two']));
    expect(digest({ 'one/f': 'F' }, ['one/f'])).not.toBe(digest({ 'one/g': 'F' }, ['one/g']));
  });

  test('owners and extended attributes count for a stage and not for the context', () => {
    const [plain, owned] = [{ f: 'F' }, { f: { text: 'F', uid: 1, xattrs: { 'user.a': 'b' } } }];
    expect(digest(owned, ['f'])).toBe(digest(plain, ['f']));
    expect(digest(owned, ['f'], false)).not.toBe(digest(plain, ['f'], false));
  });

  test('pitfall 118: neighboring parts do not run into one another', () => {
    expect(digest({ 'd/ab': 'c' }, ['d'])).not.toBe(digest({ 'd/a': 'bc' }, ['d']));
    expect(digest({ 'd/a/b': '' }, ['d'])).not.toBe(digest({ 'd/a/': {}, 'd/b': '' }, ['d']));
  });
});
