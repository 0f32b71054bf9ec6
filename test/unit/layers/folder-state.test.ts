import {
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { folderState, type FolderState } from '../../../src/layers/folder-state.js';
import { bytesOfText } from '../../../src/support/byte-string.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'folder-state-'));
  mkdirSync(join(folder, 'a/b'), { recursive: true });
  writeFileSync(join(folder, 'a/file'), 'one');
  writeFileSync(join(folder, 'a/b/größe'), 'two');
  symlinkSync('file', join(folder, 'a/link'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const state = (...skipped: string[]): FolderState | undefined =>
  folderState(bytesOfText(folder), { skips: (path) => skipped.includes(path) });
const at = (name: string): string => join(folder, name);

describe('the state of a folder', () => {
  test('is the same while nothing is changed', () => {
    const before = state();
    expect(before).toMatchObject({ files: 5 });
    expect(state()).toEqual(before);
  });

  test.each<[string, () => void]>([
    ['a file gets other bytes of the same length', () => writeFileSync(at('a/file'), 'eno')],
    ['a file is only touched', () => utimesSync(at('a/b/größe'), 1, 1)],
    ['a mode changes', () => chmodSync(at('a/file'), 0o600)],
    ['the mode of a directory changes', () => chmodSync(at('a/b'), 0o700)],
    ['a file comes', () => writeFileSync(at('a/b/new'), '')],
    ['an empty directory comes', () => mkdirSync(at('a/b/new'))],
    ['a file goes', () => rmSync(at('a/link'))],
    ['a file is moved', () => renameSync(at('a/file'), at('file'))],
    ['a file gets another name', () => linkSync(at('a/file'), at('a/b/file'))],
    ['a link is touched', () => lutimesSync(at('a/link'), 1, 1)],
    [
      'a file takes the place and the times of another',
      () => {
        writeFileSync(at('other'), 'eno');
        renameSync(at('other'), at('a/file'));
        utimesSync(at('a/file'), 1, 1);
      },
    ],
  ])('is another when %s', (_name, change) => {
    const before = state();
    change();
    expect(state()?.digest).not.toBe(before?.digest);
  });

  test('does not count what is passed over, nor what is below it', () => {
    const before = state('a/b', 'log');
    writeFileSync(at('a/b/größe'), 'three');
    writeFileSync(at('log'), 'x');
    expect(state('a/b', 'log')?.digest).toBe(before?.digest);
  });

  test('knows when something in it was changed last, also by its going', () => {
    const started = BigInt(Date.now() - 100) * 1_000_000n;
    for (const name of ['a/file', 'a/b/größe']) utimesSync(at(name), 1, 1);
    rmSync(at('a/link'));
    expect(state()?.changedAt).toBeGreaterThan(started);
    utimesSync(at('a/file'), 4_000_000_000, 4_000_000_000);
    expect(state()).toMatchObject({
      changedAt: 4_000_000_000_000_000_000n,
      changedAtSecond: 4_000_000_000_000_000_000n,
    });
  });

  test('is none where something cannot be looked at, or the folder is none', () => {
    expect(folderState(bytesOfText(at('nothing')))).toBeUndefined();
    expect(folderState(bytesOfText(at('a/file')))).toBeUndefined();
    symlinkSync(at('a'), at('away'));
    expect(folderState(bytesOfText(at('away')))).toBeUndefined();
  });
});
