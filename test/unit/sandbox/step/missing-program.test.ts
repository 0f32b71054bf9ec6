import { expect, test } from 'vitest';
import { notFound, refusedProgram, unusable } from '../../../../src/sandbox/step/missing-program.js';

test.each([
  ['ENOENT', 127, 'its interpreter does not exist'],
  ['ENOEXEC', 126, 'exec format error'],
  ['EACCES', 126, 'permission denied'],
  ['E2BIG', 126, 'argument list too long'],
])('what execve says with %s becomes what a shell says', (code, exitCode, words) => {
  expect(refusedProgram('x', code)).toEqual({ found: false, exitCode, message: `exec: "x": ${words}` });
});

test('what is no program has the exit code of a shell', () => {
  expect(notFound('x').exitCode).toBe(127);
  expect(unusable('/x', 'missing')).toMatchObject({ exitCode: 127, message: 'exec: "/x": no such file or directory' });
  expect(unusable('/x', 'directory')).toMatchObject({ exitCode: 126, message: 'exec: "/x": is a directory' });
});
