import { describe, expect, test } from 'vitest';
import { changesOf, copied, copiedPaths, type CopyCase } from './copying.js';

describe('planCopy()', () => {
  test('pitfall 73: a folder gives its contents, never itself', async () => {
    const source = { 'dir/a': 'A', 'dir/sub/b': 'B' };
    const expected = [
      'directory 755 0:0 x @1000',
      'file 644 0:0 x/a @1000 A',
      'directory 755 0:0 x/sub @1000',
      'file 644 0:0 x/sub/b @1000 B',
    ];
    expect(await copied({ source, sources: ['dir'], destination: '/x' })).toEqual(expected);
    expect(await copied({ source, sources: ['dir'], destination: '/x/' })).toEqual(expected);
  });

  test('pitfall 74: the slash at the end of the destination decides, an existing directory as well', async () => {
    const source = { f: 'F' };
    expect(await copied({ source, sources: ['f'], destination: '/x' })).toEqual(['file 644 0:0 x @1000 F']);
    expect(await copied({ source, sources: ['f'], destination: '/x/' })).toEqual([
      'directory 755 0:0 x @0',
      'file 644 0:0 x/f @1000 F',
    ]);
    const base = { 'x/': { mode: 0o700, uid: 5 } };
    expect(await copied({ source, base, sources: ['f'], destination: '/x' })).toEqual([
      'directory 700 5:0 x @1000',
      'file 644 0:0 x/f @1000 F',
    ]);
  });

  test('pitfall 75: several files onto one name fail, into an existing directory they do not', async () => {
    const files = { source: { a: 'A', b: 'B' }, sources: ['a', 'b'], destination: '/x' };
    const message = 'cannot copy several files to "/x": it is no directory';
    await expect(copied(files)).rejects.toThrow(message);
    await expect(copied({ ...files, sources: ['*'] })).rejects.toThrow(message);
    await expect(copied({ ...files, sources: ['a', '<<b'] })).rejects.toThrow(message);
    expect(await copied({ ...files, base: { 'x/': {} } })).toHaveLength(3);
  });

  test('a source finds what the one before it has made', async () => {
    const source = { 'd/a': 'A', b: 'B', 'links/to': { link: '/etc' } };
    expect(await copiedPaths({ source, sources: ['d', 'b'], destination: '/x' })).toEqual(['x', 'x/a', 'x/b']);
    await expect(copied({ source, sources: ['b', 'd'], destination: '/x' })).rejects.toThrow('a file is in its place');
  });

  test('pitfall 77: a wildcard does not cross a slash, takes hidden files and merges the contents of folders', async () => {
    const source = { '.h': 'H', 'd1/a': 'A', 'd2/b': 'B', 'd2/deep/c': 'C' };
    const to = (...sources: string[]) => copiedPaths({ source, sources, destination: '/x/' });
    expect(await to('d*')).toEqual(['x', 'x/a', 'x/b', 'x/deep', 'x/deep/c']);
    expect(await to('*h')).toEqual(['x', 'x/.h']);
    expect(await to('d?/[ab]')).toEqual(['x', 'x/a', 'x/b']);
  });

  test('pitfall 77: links are followed before the first wildcard, not behind it', async () => {
    const source = { 'real/f': 'F', link: { link: 'real' } };
    expect(await copiedPaths({ source, sources: ['link/*'], destination: '/x/' })).toEqual(['x', 'x/f']);
    expect(await copiedPaths({ source, sources: ['l*/f'], destination: '/x/' })).toEqual([]);
    expect(await copiedPaths({ source, sources: ['r*/f'], destination: '/x/' })).toEqual(['x', 'x/f']);
  });

  test('pitfall 78: a wildcard without a match is no error, a missing path is', async () => {
    expect(await copied({ source: {}, sources: ['no*'], destination: '/x/' })).toEqual([]);
    const missing = copied({ source: { 'src/main': '' }, sources: ['src/mian'], destination: '/x' });
    await expect(missing).rejects.toMatchObject({ code: 'COPY_FAILED', hint: 'Did you mean "src/main"?' });
    await expect(copied({ source: { f: '' }, sources: ['no/f'], destination: '/x' })).rejects.toMatchObject({
      hint: expect.stringContaining('There is no "no" either') as string,
    });
  });

  test('pitfall 80: a link to nothing, or out of the context, is told to be one', async () => {
    for (const link of ['/etc/passwd', '../../outside', 'no']) {
      const copying = copied({ source: { l: { link } }, sources: ['l'], destination: '/x' });
      await expect(copying).rejects.toMatchObject({
        code: 'COPY_FAILED',
        hint: 'It is a symbolic link to what is not there: links are followed within the build context, never out of it.',
      });
    }
  });

  test('pitfall 78: the folder before a wildcard must be there', async () => {
    const source = { 'src/main.c': '', f: '', link: { link: 'src' }, loose: { link: 'no' } };
    const copying = (pattern: string) => copied({ source, sources: [pattern], destination: '/x/' });
    expect(await copying('src/*.h')).toEqual([]);
    expect(await copying('link/*.h')).toEqual([]);
    await expect(copying('scr/*.c')).rejects.toMatchObject({ code: 'COPY_FAILED', hint: 'Did you mean "src"?' });
    await expect(copying('loose/*')).rejects.toMatchObject({ code: 'COPY_FAILED' });
    await expect(copying('f/*')).rejects.toMatchObject({
      code: 'COPY_FAILED',
      message: expect.stringContaining('"f"') as string,
    });
  });

  test('pitfall 79: a character class names a bracket', async () => {
    const source = { 'arr[0].txt': 'A', 'arr0.txt': 'B' };
    const lines = await copied({ source, sources: ['arr[[]0].txt'], destination: '/x/' });
    expect(lines.at(-1)).toBe('file 644 0:0 x/arr[0].txt @1000 A');
    expect(lines).toHaveLength(2);
  });

  test('pitfall 80: a link that is a source is followed, links below a folder stay links', async () => {
    const source = {
      'real/f': 'F',
      'real/l': { link: 'f' },
      name: { link: 'real/f' },
      out: { link: '../../etc/passwd' },
    };
    const from = (path: string, destination: string) => copied({ source, sources: [path], destination });
    expect(await from('name', '/x/')).toContain('file 644 0:0 x/name @1000 F');
    expect(await from('real', '/x')).toContain('symlink 777 0:0 x/l @1000 -> f');
    await expect(from('out', '/x')).rejects.toThrow('not found in the build context');
  });

  test('pitfall 81: links in the image are followed inside its root', async () => {
    const base = { 'usr/lib/': {}, lib: { link: '/usr/lib' }, up: { link: '../../../usr' } };
    const to = async (destination: string) =>
      (await copied({ source: { f: 'F' }, base, sources: ['f'], destination })).at(-1);
    expect(await to('/lib/')).toBe('file 644 0:0 usr/lib/f @1000 F');
    expect(await to('/up/new/')).toBe('file 644 0:0 usr/new/f @1000 F');
  });

  test('pitfall 82: a file of a folder replaces a link of its name', async () => {
    const base = { 'x/f': { link: '/etc/passwd' } };
    const lines = await copied({ source: { 'd/f': 'F' }, base, sources: ['d'], destination: '/x' });
    expect(lines.at(-1)).toBe('file 644 0:0 x/f @1000 F');
  });

  test.each<[string, CopyCase, string]>([
    ['a file', { source: { 'd/f': 'F' }, base: { 'x/f/': {} }, sources: ['d'], destination: '/x' }, 'directory'],
    ['a folder', { source: { 'd/f/a': 'F' }, base: { 'x/f': 'file' }, sources: ['d'], destination: '/x' }, 'file'],
    ['a folder named', { source: { 'd/a': 'F' }, base: { x: 'file' }, sources: ['d'], destination: '/x' }, 'file'],
    [
      'a folder onto a link',
      { source: { 'd/l/a': '' }, base: { 'x/l': { link: '/' } }, sources: ['d'], destination: '/x' },
      'file',
    ],
  ])('pitfall 83: %s does not replace what is of another kind', async (_, given, kind) => {
    await expect(copied(given)).rejects.toMatchObject({
      code: 'COPY_FAILED',
      message: expect.stringContaining(`a ${kind} is in its place`) as string,
      hint: expect.stringContaining(`Remove the ${kind}`) as string,
    });
  });

  test('pitfalls 84 and 85: a new destination is 0755, below it folders have their own modes', async () => {
    const source = { 'd/': { mode: 0o700 }, 'd/s/': { mode: 0o711 } };
    expect(await copied({ source, base: { 'x/s/': {} }, sources: ['d'], destination: '/x' })).toEqual([
      'directory 755 0:0 x @1000',
      'directory 711 0:0 x/s @1000',
    ]);
    expect((await copied({ source, sources: ['d'], destination: '/new' }))[0]).toBe('directory 755 0:0 new @1000');
  });

  test('pitfall 86: parents that are made have the owner and mode that were asked for', async () => {
    const given = { source: { f: 'F' }, sources: ['f'], destination: '/a/b/f', owner: { uid: 7, gid: 8 } };
    expect(await copied({ ...given, more: { chown: '7:8', chmod: '640' } })).toEqual([
      'directory 640 7:8 a @0',
      'directory 640 7:8 a/b @0',
      'file 640 7:8 a/b/f @1000 F',
    ]);
    expect((await copied({ ...given, more: { chmod: '4777' } }))[0]).toBe('directory 755 7:8 a @0');
    expect((await copied({ ...given, more: { chmod: 'go=' } }))[0]).toBe('directory 755 7:8 a @0');
  });

  test('a symbolic mode changes files and folders, each from what it was, and no links', async () => {
    const source = { 'd/f': { text: 'F', mode: 0o4755 }, 'd/s/': { mode: 0o700 }, 'd/l': { link: 'f' } };
    expect(await copied({ source, sources: ['d'], destination: '/x', more: { chmod: 'u=rwX,go=rX' } })).toEqual([
      'directory 755 0:0 x @1000',
      'file 755 0:0 x/f @1000 F',
      'symlink 777 0:0 x/l @1000 -> f',
      'directory 755 0:0 x/s @1000',
    ]);
  });

  test('pitfall 87: files of the context belong to root and keep their bits, those of a stage keep their owner', async () => {
    const given = {
      source: { f: { text: 'F', uid: 1000, gid: 1000, mode: 0o4755 } },
      sources: ['f'],
      destination: '/f',
    };
    expect(await copied(given)).toEqual(['file 4755 0:0 f @1000 F']);
    expect(await copied({ ...given, more: { fromContext: false } })).toEqual(['file 4755 1000:1000 f @1000 F']);
  });

  test.each([
    ['777', '755'],
    ['1777', '755'],
    ['2775', '755'],
    ['711', '711'],
    ['600', '600'],
  ])('pitfall 86: with --chmod=%s they have %s, as mkdir makes them', async (chmod, mode) => {
    const lines = await copied({ source: { f: 'F' }, sources: ['f'], destination: '/a/f', more: { chmod } });
    expect(lines).toEqual([`directory ${mode} 0:0 a @0`, `file ${chmod} 0:0 a/f @1000 F`]);
  });

  test('pitfall 88: times are kept, in whole seconds, also where they are compared', async () => {
    const source = { f: { text: 'F', mtime: { seconds: 1000, nanoseconds: 7 } } };
    const given = { source, sources: ['f'], destination: '/f' };
    expect((await changesOf(given))[0]).toMatchObject({ entry: { mtime: { seconds: 1000, nanoseconds: 0 } } });
    expect(await copied({ ...given, base: { f: 'F' } })).toEqual([]);
  });

  test('the root of a context gives no time', async () => {
    expect((await copied({ source: { f: '' }, sources: [''], destination: '/x' }))[0]).toBe('directory 755 0:0 x @0');
  });

  test('what the image has already is not in the layer, nor are its parents without a change below them', async () => {
    const source = { 'd/a': 'A', 'd/s/b': 'B' };
    const base = { 'x/a': 'A', 'x/s/b': 'B', 'x/other': 'O' };
    const onto = { base, sources: ['d'], destination: '/x' };
    expect(await copied({ source, ...onto })).toEqual([]);
    expect(await copied({ source: { ...source, 'd/s/b': 'C' }, ...onto })).toEqual([
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
  ] as const)('another %s is a change', async (_, file) => {
    const given = { source: { f: file }, base: { f: 'A' }, sources: ['f'], destination: '/f' };
    expect(await copied(given)).toHaveLength(1);
  });

  test('all names of a file are written when one of them is new', async () => {
    const source = { 'd/a': { text: 'A', inode: '1' }, 'd/b': { text: 'A', inode: '1' } };
    expect(await copied({ source, base: { 'x/a': 'A' }, sources: ['d'], destination: '/x' })).toEqual([
      'directory 755 0:0 x @1000',
      'file 644 0:0 x/a @1000 A',
      'hardlink 644 0:0 x/b @1000 -> x/a',
    ]);
  });

  test('pitfall 92: names of one file stay names of one file, but not across sources', async () => {
    const source = { 'd/a': { text: 'A', inode: '1' }, 'd/b': { text: 'A', inode: '1' } };
    expect((await copied({ source, sources: ['d'], destination: '/x' })).slice(1)).toEqual([
      'file 644 0:0 x/a @1000 A',
      'hardlink 644 0:0 x/b @1000 -> x/a',
    ]);
    expect((await copied({ source, sources: ['d/a', 'd/b'], destination: '/x/' })).slice(1)).toEqual([
      'file 644 0:0 x/a @1000 A',
      'file 644 0:0 x/b @1000 A',
    ]);
  });

  test('pitfall 93: fifos and devices are copied, sockets below a folder are not, one that is named is an error', async () => {
    const source = {
      'd/fifo': { type: 'fifo' },
      'd/null': { type: 'character-device', device: { major: 1, minor: 3 } },
      'd/sock': { type: 'socket' },
    } as const;
    expect((await copied({ source, sources: ['d'], destination: '/x' })).slice(1)).toEqual([
      'fifo 644 0:0 x/fifo @1000',
      'character-device 644 0:0 x/null @1000',
    ]);
    await expect(copied({ source, sources: ['d/sock'], destination: '/x' })).rejects.toThrow('it is a socket');
  });

  test('pitfall 94: --exclude is relative to each folder that is copied, and "!" takes in again', async () => {
    const source = { 'd/a.txt': '', 'd/b.md': '', 'd/sub/c.txt': '', 'd/sub/keep.txt': '', 'd/sub/deep/e.txt': '' };
    const without = (...exclude: string[]) =>
      copiedPaths({ source, sources: ['d'], destination: '/x', more: { exclude } });
    expect(await without('*.txt')).toEqual([
      ...['x', 'x/b.md', 'x/sub', 'x/sub/c.txt', 'x/sub/deep', 'x/sub/deep/e.txt', 'x/sub/keep.txt'],
    ]);
    expect(await without('**/*.txt')).toEqual(['x', 'x/b.md', 'x/sub', 'x/sub/deep']);
    expect(await without('sub', '!sub/keep.txt')).toEqual(['x', 'x/a.txt', 'x/b.md', 'x/sub', 'x/sub/keep.txt']);
    expect(await without('d')).toContain('x/a.txt');
    await expect(without('[')).rejects.toMatchObject({ code: 'DOCKERFILE_SEMANTICS' });
  });

  test('pitfall 94: a file that a source names is copied whatever --exclude says', async () => {
    const given = { source: { 'a.txt': '', 'b.md': '' }, destination: '/x/', more: { exclude: ['*.txt'] } };
    expect(await copiedPaths({ ...given, sources: ['a.txt', 'b.md'] })).toEqual(['x', 'x/a.txt', 'x/b.md']);
    expect(await copiedPaths({ ...given, sources: ['*'] })).toEqual(['x', 'x/a.txt', 'x/b.md']);
  });

  test('pitfall 106: what the ignore file leaves out is said to be so, by which line', async () => {
    const given = { source: {}, sources: ['a/secret'], destination: '/x', ignore: '# ours\n*.log\na/s*' };
    await expect(copied(given)).rejects.toMatchObject({
      message: 'cannot copy "a/secret": "a/s*" leaves it out of the build context',
      hint: expect.stringContaining('line 3 of .dockerignore') as string,
    });
  });

  test('names are bytes: those that are no UTF-8 stay as they are', async () => {
    // A memory tree takes text; a byte that is no UTF-8 stands for itself in a tree of the host, which the e2e tests copy.
    const paths = await copiedPaths({ source: { 'd/ü': '' }, sources: ['d/?'], destination: '/x/' });
    expect(paths).toEqual(['x', 'x/\u00c3\u00bc']);
  });
});

describe('planCopy() with --parents', () => {
  const source = {
    'a/b/c.txt': 'C',
    'a/b/d.md': 'D',
    'a/e/': { mode: 0o700 },
    'a/e/f.txt': 'F',
    link: { link: 'a' },
  };
  const parents = (sources: readonly string[], more: CopyCase['more'] = {}, base: CopyCase['base'] = {}) =>
    copied({ source, base, sources, destination: '/x/', more: { parents: true, ...more } });

  test('pitfall 95: paths are kept, folders on the way as they are in the source', async () => {
    expect(await parents(['a/e/f.txt'])).toEqual([
      'directory 755 0:0 x @0',
      'directory 755 0:0 x/a @1000',
      'directory 700 0:0 x/a/e @1000',
      'file 644 0:0 x/a/e/f.txt @1000 F',
    ]);
  });

  test('pitfall 95: a pivot cuts the path', async () => {
    expect(await parents(['a/./b/c.txt'])).toEqual([
      'directory 755 0:0 x @1000',
      'directory 755 0:0 x/b @1000',
      'file 644 0:0 x/b/c.txt @1000 C',
    ]);
  });

  test('pitfall 95: "**" crosses folders, and those without a match are not made', async () => {
    const lines = await parents(['**/*.txt']);
    expect(lines.map((line) => line.split(' ')[3])).toEqual([
      'x',
      'x/a',
      'x/a/b',
      'x/a/b/c.txt',
      'x/a/e',
      'x/a/e/f.txt',
    ]);
    expect((await parents(['**/*.md'])).map((line) => line.split(' ')[3])).toEqual(['x', 'x/a', 'x/a/b', 'x/a/b/d.md']);
  });

  test('pitfall 95: a plain path must exist, without a link in it; a wildcard may match nothing', async () => {
    await expect(parents(['a/nope'])).rejects.toThrow('cannot copy "a/nope": not found');
    await expect(parents(['a/./nope'])).rejects.toThrow('cannot copy "a/nope": not found');
    await expect(parents(['link/b/c.txt'])).rejects.toThrow('not found');
    expect(await parents(['nope*'])).toEqual(['directory 755 0:0 x @0']);
    expect(await parents(['link'])).toContain('symlink 777 0:0 x/link @1000 -> a');
  });

  test('a folder with all below it, without what is excluded', async () => {
    const lines = await parents(['a'], { exclude: ['**/*.md'] });
    expect(lines.map((line) => line.split(' ')[3])).toEqual([
      'x',
      'x/a',
      'x/a/b',
      'x/a/b/c.txt',
      'x/a/e',
      'x/a/e/f.txt',
    ]);
    await expect(parents(['a/b/d.md'], { exclude: ['**/*.md'] })).rejects.toThrow('not found');
  });

  test('a folder on the way that exists takes the mode of the source, not its owner', async () => {
    const lines = await parents(['a/e/f.txt'], { fromContext: false }, { 'x/a/e/': { uid: 9, mode: 0o777 } });
    expect(lines).toContain('directory 700 9:0 x/a/e @1000');
  });

  test('an empty pattern is all', async () => {
    expect(await parents([''])).toHaveLength(8);
  });
});

describe('planCopy() of files that the Dockerfile holds', () => {
  test('pitfall 104: 0644 and root, unless flags say otherwise', async () => {
    const given = { source: {}, sources: ['<<one', '<<two'], destination: '/x/' };
    expect(await copied(given)).toEqual([
      'directory 755 0:0 x @0',
      `file 644 0:0 x/one @0 one`,
      `file 644 0:0 x/two @0 two`,
    ]);
    const owned = await copied({ ...given, sources: ['<<f'], owner: { uid: 3, gid: 4 }, more: { chmod: '+x' } });
    expect(owned[1]).toBe('file 755 3:4 x/f @0 f');
  });

  test('they come after paths, and replace them', async () => {
    const given = { source: { f: 'path' }, sources: ['f', '<<f'], destination: '/x/' };
    expect((await copied(given)).at(-1)).toBe('file 644 0:0 x/f @0 f');
  });
});
