import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync, linkSync, utimesSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDirectoryTree } from '../../../src/layers/directory-tree.js';
import { resolveInTree } from '../../../src/layers/resolve-in-tree.js';
import type { Tree } from '../../../src/layers/tree.js';
import { bytesOfText, byteString, fsPath, textOfBytes, type ByteString } from '../../../src/support/byte-string.js';

let root: string;
let tree: Tree;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'tree-'));
  tree = createDirectoryTree(root);
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});
const at = (name: string): string => path.join(root, name);
const b = bytesOfText;

describe('createDirectoryTree()', () => {
  test('tells what lstat(2) does', () => {
    writeFileSync(at('f'), 'content');
    chmodSync(at('f'), 0o4751);
    utimesSync(at('f'), 12, 12);
    symlinkSync('../anywhere', at('l'));
    mkdirSync(at('d'));
    linkSync(at('f'), at('d/h'));
    const [uid, gid] = [process.getuid?.(), process.getgid?.()];
    expect(tree.lstat(b('f'))).toMatchObject({
      type: 'file',
      mode: 0o4751,
      size: 7,
      uid,
      gid,
      mtime: { seconds: 12, nanoseconds: 0 },
    });
    expect(tree.lstat(b('f'))?.inode).toBe(tree.lstat(b('d/h'))?.inode);
    expect(tree.lstat(b('l'))).toMatchObject({ type: 'symlink', linkTarget: '../anywhere', size: 0, inode: null });
    expect(tree.lstat(b('d'))).toMatchObject({ type: 'directory', size: 0, inode: null });
    expect(tree.lstat(b(''))).toMatchObject({ type: 'directory' });
  });

  test.each(['none', 'none/x', 'f/x', 'f/x/y', 'd/none', 'x'.repeat(300)])('has no file %s', (name) => {
    writeFileSync(at('f'), '');
    mkdirSync(at('d'));
    expect(tree.lstat(b(name))).toBeUndefined();
    expect(tree.list(b(name))).toEqual([]);
    expect([...tree.xattrs(b(name))]).toEqual([]);
  });

  test('lists names bytewise, those that are no text too', () => {
    const odd = byteString(Buffer.from([0x6e, 0xff]));
    for (const name of ['b', 'B', 'a.b', 'a', 'é'].map(b)) writeFileSync(Buffer.from(`${root}/${name}`, 'latin1'), '');
    writeFileSync(fsPath(`${root}/${odd}` as ByteString), 'odd');
    expect(tree.list(b(''))).toEqual(['B', 'a', 'a.b', 'b', odd, b('é')]);
    expect(Buffer.concat([...tree.read(odd)]).toString()).toBe('odd');
  });

  test('reads a large file in chunks, and an empty one in none', () => {
    const large = Buffer.alloc(1_000_000, 'abc');
    writeFileSync(at('large'), large);
    writeFileSync(at('empty'), '');
    const chunks = [...tree.read(b('large'))].map((chunk) => chunk.byteLength);
    expect(chunks.length).toBeGreaterThan(1);
    expect(Buffer.concat([...tree.read(b('large'))].map((chunk) => Buffer.from(chunk))).length).toBe(large.length);
    expect([...tree.read(b('empty'))]).toEqual([]);
  });

  test('is content with a root that is reached through a link', () => {
    mkdirSync(at('real'));
    writeFileSync(at('real/f'), '');
    symlinkSync('real', at('link'));
    expect(createDirectoryTree(at('link')).list(b(''))).toEqual(['f']);
  });
});

describe('resolveInTree()', () => {
  beforeEach(() => {
    mkdirSync(at('usr/lib'), { recursive: true });
    writeFileSync(at('usr/lib/f'), '');
    symlinkSync('usr/lib', at('lib'));
    symlinkSync('/usr/lib/f', at('usr/abs'));
    symlinkSync('../../../../usr', at('usr/up'));
    symlinkSync('loop2', at('loop1'));
    symlinkSync('loop1', at('loop2'));
    symlinkSync('none/at/all', at('dangling'));
    symlinkSync('/', at('top'));
  });

  test.each([
    ['', ''],
    ['/', ''],
    ['usr/lib/f', 'usr/lib/f'],
    ['/usr//./lib/../lib/f', 'usr/lib/f'],
    ['../../usr', 'usr'],
    ['lib', 'usr/lib'],
    ['lib/f', 'usr/lib/f'],
    ['lib/../abs', 'usr/lib/f'],
    ['usr/up/up/up/lib', 'usr/lib'],
    ['top/top/lib/f', 'usr/lib/f'],
    ['new/path/here', 'new/path/here'],
    ['lib/new/../other', 'usr/lib/other'],
    ['dangling', 'none/at/all'],
    ['dangling/more', 'none/at/all/more'],
  ])('leads %s to %s', (from, to) => {
    expect(textOfBytes(resolveInTree(tree, b(from), { followLast: true }) ?? b('nowhere'))).toBe(to);
  });

  test('leaves the last link alone when it is told to', () => {
    expect(resolveInTree(tree, b('lib'), { followLast: false })).toBe('lib');
    expect(resolveInTree(tree, b('top/lib'), { followLast: false })).toBe('lib');
    expect(resolveInTree(tree, b('lib/f'), { followLast: false })).toBe('usr/lib/f');
  });

  test('leads nowhere through a file', () => {
    expect(resolveInTree(tree, b('usr/lib/f/x'), { followLast: true })).toBeUndefined();
    expect(resolveInTree(tree, b('usr/abs/x'), { followLast: true })).toBeUndefined();
  });

  test('refuses links that lead to each other', () => {
    expect(() => resolveInTree(tree, b('loop1'), { followLast: true })).toThrow(
      expect.objectContaining({ code: 'LAYER_INVALID' }) as Error,
    );
    expect(resolveInTree(tree, b('loop1'), { followLast: false })).toBe('loop1');
  });

  test('follows forty links in a row', () => {
    for (let index = 0; index < 41; index++)
      symlinkSync(index === 0 ? 'usr' : `chain${index - 1}`, at(`chain${index}`));
    expect(resolveInTree(tree, b('chain39'), { followLast: true })).toBe('usr');
    expect(() => resolveInTree(tree, b('chain40'), { followLast: true })).toThrow();
  });
});
