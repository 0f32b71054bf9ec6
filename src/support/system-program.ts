import { constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { isAccessible } from './is-accessible.js';

/** Where the machine's own programs are, whatever PATH of a caller says. */
export const SYSTEM_DIRECTORIES: readonly string[] = [
  '/usr/bin',
  '/bin',
  '/usr/sbin',
  '/sbin',
  '/usr/local/bin',
  '/usr/local/sbin',
];

/** The path of a program of this machine, or `undefined`. */
export function findSystemProgram(
  name: string,
  directories: readonly string[] = SYSTEM_DIRECTORIES,
): string | undefined {
  return directories
    .map((directory) => join(directory, name))
    .find((path) => isAccessible(path, constants.X_OK) && statSync(path).isFile());
}
