import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parentPath } from '../../../src/support/byte-path.js';
import { bytesOfText } from '../../../src/support/byte-string.js';
import { systemErrorCode } from '../../../src/support/errors.js';
import { removeTree } from '../../../src/support/files.js';
import { RootedDirectories } from '../../../src/support/rooted-path.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'rooted-'));
});
afterEach(async () => {
  await removeTree(root);
});

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;
const codeOf = (call: () => unknown): string | undefined => {
  try {
    call();
    return undefined;
  } catch (error) {
    return systemErrorCode(error);
  }
};

describe.each([true, false])('RootedDirectories, with openat2: %s', (openat2) => {
  const open = (): RootedDirectories => new RootedDirectories(root, { openat2 });

  test('reaches files in the root and far below it', () => {
    mkdirSync(path.join(root, 'a/b/c'), { recursive: true });
    using directories = open();
    writeFileSync(directories.child(bytesOfText(''), bytesOfText('top')), '1');
    writeFileSync(directories.child(bytesOfText('a/b/c'), bytesOfText('deep')), '2');
    expect(readFileSync(path.join(root, 'top'), 'utf8')).toBe('1');
    expect(readFileSync(path.join(root, 'a/b/c/deep'), 'utf8')).toBe('2');
    expect(readdirSync(directories.self(bytesOfText('a/b')))).toEqual(['c']);
  });

  test('refuses links, files and what is missing', () => {
    mkdirSync(path.join(root, 'real/sub'), { recursive: true });
    symlinkSync('real', path.join(root, 'link'));
    writeFileSync(path.join(root, 'file'), '');
    using directories = open();
    expect(codeOf(() => directories.self(bytesOfText('link')))).toBe('ENOTDIR');
    expect(codeOf(() => directories.self(bytesOfText('link/sub')))).toBe('ENOTDIR');
    expect(codeOf(() => directories.self(bytesOfText('file')))).toBe('ENOTDIR');
    expect(codeOf(() => directories.self(bytesOfText('none/sub/x')))).toBe('ENOENT');
  });

  test('reaches directories by paths of any length, also those that the kernel takes in no single call', () => {
    const name = 'n'.repeat(250);
    const deep = Array.from({ length: 20 }, () => name).join('/');
    using directories = open();
    for (let end = name.length; end <= deep.length; end += name.length + 1) {
      const path = bytesOfText(deep.slice(0, end));
      mkdirSync(directories.child(parentPath(path), bytesOfText(name)));
    }
    directories.forget();
    expect(readdirSync(directories.self(bytesOfText(deep)))).toEqual([]);
  });

  test('stays in a directory that is swapped for a link after it was opened', () => {
    mkdirSync(path.join(root, 'd'));
    mkdirSync(path.join(root, 'elsewhere'));
    using directories = open();
    const child = directories.child(bytesOfText('d'), bytesOfText('f'));
    renameSync(path.join(root, 'd'), path.join(root, 'moved'));
    symlinkSync('elsewhere', path.join(root, 'd'));
    writeFileSync(child, '');
    expect(readdirSync(path.join(root, 'moved'))).toEqual(['f']);
    expect(readdirSync(path.join(root, 'elsewhere'))).toEqual([]);
  });

  test('forgets what it has open when it is told to', () => {
    mkdirSync(path.join(root, 'd'));
    using directories = open();
    directories.self(bytesOfText('d'));
    rmSync(path.join(root, 'd'), { recursive: true });
    directories.forget();
    expect(codeOf(() => directories.self(bytesOfText('d')))).toBe('ENOENT');
  });

  test('keeps a bounded number of descriptors, and none in the end', () => {
    const before = openDescriptors();
    const deep = Array.from({ length: 200 }, () => 'd').join('/');
    mkdirSync(path.join(root, deep), { recursive: true });
    for (let index = 0; index < 300; index++) mkdirSync(path.join(root, `n${index}`));
    {
      using directories = open();
      for (let depth = 0; depth < 400; depth += 2) directories.self(bytesOfText(deep.slice(0, 399 - depth)));
      for (let index = 0; index < 300; index++) directories.self(bytesOfText(`n${index}`));
      expect(openDescriptors() - before).toBeLessThanOrEqual(70);
      expect(codeOf(() => directories.self(bytesOfText(`${deep}/none/x`)))).toBe('ENOENT');
      expect(openDescriptors() - before).toBeLessThanOrEqual(70);
    }
    expect(openDescriptors()).toBe(before);
  });
});
