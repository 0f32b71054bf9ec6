import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { statFile, type FileStat } from '../../../../src/layers/files/file-stat.js';
import { bytesOfText } from '../../../../src/support/byte-string.js';

let folder: string;
const at = (name: string): string => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'file-stat-'));
  writeFileSync(at('größe'), 'content');
  linkSync(at('größe'), at('another name'));
  chmodSync(at('größe'), 0o4751);
  writeFileSync(at('old'), '');
  utimesSync(at('old'), -1.5, -1.5);
  mkdirSync(at('folder'));
  symlinkSync('nowhere', at('link'));
  execFileSync('mkfifo', [at('fifo')]);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const NUMBERS = ['dev', 'ino', 'mode', 'nlink', 'uid', 'gid', 'rdev', 'size', 'mtimeNs', 'ctimeNs'] as const;
const KINDS = [
  'isFile',
  'isDirectory',
  'isSymbolicLink',
  'isCharacterDevice',
  'isBlockDevice',
  'isFIFO',
  'isSocket',
] as const;

function facts(stat: FileStat | undefined): unknown {
  if (stat === undefined) return undefined;
  return [...NUMBERS.map((name) => [name, stat[name]]), ...KINDS.map((name) => [name, stat[name]()])];
}

/** After as many looks as it takes until they are no longer made by Node. */
function lookedAt(path: string): unknown {
  for (let looks = 0; looks < 2001; looks += 1) statFile(bytesOfText(folder));
  return facts(statFile(bytesOfText(path)));
}

describe('a look at a file', () => {
  test.each(['größe', 'another name', 'old', 'folder', 'link', 'fifo', '/dev/null', '/proc/self/status'])(
    'says of %s what Node does',
    (name) => {
      const path = name.startsWith('/') ? name : at(name);
      expect(lookedAt(path)).toEqual(facts(lstatSync(path, { bigint: true })));
    },
  );

  test.each(['nothing', 'größe/below', 'x'.repeat(300)])('finds nothing at %s', (name) => {
    expect(lookedAt(at(name))).toBeUndefined();
  });

  test('refuses what no path can name', () => {
    expect(() => lookedAt(folder + '/x'.repeat(2100))).toThrow(/its path is longer than 4095 bytes/);
  });
});
