import { constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { isAccessible } from '../support/is-accessible.js';

/** The first file of that name in the directories of `searchPath` that this process may execute. */
export function findProgram(name: string, searchPath: string): string | undefined {
  return searchPath
    .split(':')
    .map((directory) => join(directory, name))
    .find((path) => isAccessible(path, constants.X_OK) && statSync(path).isFile());
}
