import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from '../store/store.js';
import type { Amount } from './care/store-care-types.js';
import { bytesBelow } from '../support/directory-size.js';
import { systemErrorCode } from '../support/errors.js';
import { tryFileLock } from '../support/file-lock.js';
import { removeTree } from '../support/files.js';

/** The repositories that builds fetched from, in a store. */
export function gitRepositoriesOf({ root }: Pick<Store, 'root'>): Amount {
  const places = repositories(root);
  return { count: places.length, bytes: places.reduce((sum, path) => sum + bytesBelow(path), 0) };
}

/** Removes those that nobody uses right now: they are caches of remotes. */
export async function removeGitRepositories({ root }: Pick<Store, 'root'>): Promise<Amount> {
  let [count, bytes] = [0, 0];
  for (const path of repositories(root)) {
    using lock = tryFileLock(`${path}.lock`, 'exclusive');
    if (lock === undefined) continue;
    bytes += bytesBelow(path);
    count += 1;
    await removeTree(path);
  }
  return { count, bytes };
}

function repositories(root: string): readonly string[] {
  const directory = join(root, 'git');
  try {
    const names = readdirSync(directory).sort();
    return names.filter((name) => !name.endsWith('.lock')).map((name) => join(directory, name));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
