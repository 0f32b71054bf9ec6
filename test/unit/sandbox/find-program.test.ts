import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findProgram, hasProgramFormat, refusedProgram } from '../../../src/sandbox/find-program.js';

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-find-'));
  for (const directory of ['a', 'b', 'a/dir']) mkdirSync(join(place, directory));
  for (const [file, mode] of [
    ['a/plain', 0o644],
    ['b/plain', 0o755],
    ['a/only-plain', 0o644],
    ['b/tool', 0o755],
  ] as const) {
    writeFileSync(join(place, file), '#!/bin/sh\n');
    chmodSync(join(place, file), mode);
  }
  symlinkSync('nowhere', join(place, 'a/dangling'));
});
afterEach(() => rmSync(place, { recursive: true }));

const search = (name: string): unknown => findProgram(name, `${place}/a:${place}/none::${place}/b`);

test('the first executable file of the name is found, past others of the name', () => {
  expect(search('plain')).toEqual({ found: true, path: join(place, 'b/plain') });
  expect(search('tool')).toEqual({ found: true, path: join(place, 'b/tool') });
});

test('a file that may not be executed is reported as such when there is no better one', () => {
  expect(search('only-plain')).toEqual({
    found: false,
    exitCode: 126,
    message: 'exec: "only-plain": permission denied',
  });
});

test.each(['missing', 'dir', 'dangling', ''])('"%s" is not found', (name) => {
  expect(search(name)).toEqual({
    found: false,
    exitCode: 127,
    message: `exec: "${name}": executable file not found in $PATH`,
  });
});

test('nothing is found without a PATH', () => {
  expect(findProgram('sh', undefined)).toMatchObject({ found: false, exitCode: 127 });
});

test('a name with a slash is taken as it is', () => {
  expect(findProgram(`${place}/b/tool`, undefined)).toEqual({ found: true, path: join(place, 'b/tool') });
  expect(findProgram(`${place}/a`, '')).toMatchObject({
    exitCode: 126,
    message: expect.stringContaining('is a directory'),
  });
  expect(findProgram(`${place}/x`, '')).toMatchObject({
    exitCode: 127,
    message: expect.stringContaining('no such file'),
  });
  expect(findProgram(`${place}/b/tool/x`, '')).toMatchObject({ exitCode: 127 });
});

test.each([
  ['#!/bin/sh\n', true],
  ['\x7fELF\x02', true],
  ['echo hello\n', false],
  ['#', false],
  ['', false],
])('whether %j is a program', (content, expected) => {
  const file = join(place, 'file');
  writeFileSync(file, content, 'latin1');
  expect(hasProgramFormat(file)).toBe(expected);
});

test('what execve says becomes what a shell says', () => {
  expect(refusedProgram('x', 'ENOENT')).toMatchObject({ exitCode: 127 });
  expect(refusedProgram('x', 'ENOEXEC')).toMatchObject({ exitCode: 126, message: 'exec: "x": exec format error' });
  expect(refusedProgram('x', 'EACCES')).toMatchObject({ exitCode: 126, message: 'exec: "x": permission denied' });
});
