import { expect, test } from 'vitest';
import { parseModeChange } from '../../../../../src/builder/operations/copy/mode-change.js';

/** What BuildKit's library makes of files and directories of these modes. */
test.each([
  ['755', 0o644, 0o755, 0o755],
  ['0', 0o644, 0, 0],
  ['7777', 0, 0o7777, 0o7777],
  ['+x', 0o644, 0o755, 0o755],
  ['a-w', 0o666, 0o444, 0o444],
  ['u=rwX,go=rX', 0o4755, 0o755, 0o755],
  ['u=rwX,go=rX', 0o600, 0o644, 0o755],
  ['go=', 0o4755, 0o4700, 0o4700],
  ['a-w,u+s', 0o644, 0o4444, 0o4444],
  ['u+x,g=u,o=g', 0o4755, 0o4777, 0o4777],
  ['u+x,g=u,o=g', 0o644, 0o777, 0o777],
  ['+t', 0o755, 0o1755, 0o1755],
  ['o+t', 0o755, 0o755, 0o755],
  ['g+s', 0o755, 0o2755, 0o2755],
  ['o+s', 0o755, 0o755, 0o755],
  ['=', 0o5755, 0o1000, 0o1000],
  ['=r', 0o7777, 0o1444, 0o1444],
  ['a=r', 0o7777, 0o1444, 0o1444],
  ['u=g', 0o750, 0o550, 0o550],
  ['g-u', 0o770, 0o700, 0o700],
  ['u+rw-x', 0o100, 0o600, 0o600],
  ['-X', 0o755, 0o644, 0o644],
  ['+X', 0o644, 0o644, 0o755],
  ['=X', 0o100, 0o111, 0o111],
  ['u=rgx', 0o070, 0o170, 0o170],
  ['ugo+rwx', 0, 0o777, 0o777],
  ['u+', 0o644, 0o644, 0o644],
])('%s makes of a file of mode %o %o, and of a directory %o', (text, mode, file, directory) => {
  const change = parseModeChange(text);
  expect(change?.apply(mode, { isDirectory: false })).toBe(file);
  expect(change?.apply(mode, { isDirectory: true })).toBe(directory);
  expect(change?.absolute).toBe(/^\d/.test(text) ? file : undefined);
});

test.each(['', '8', '10000', '0x1', '-1', 'u', 'rwx', 'u=rwx,', ',u+x', 'u=z', 'u x', 'u+x go-w', '0o644', 'u=7'])(
  '%j is no mode',
  (text) => {
    expect(parseModeChange(text)).toBeUndefined();
  },
);
