import { statFile } from '../files/file-stat.js';
import { readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { childPath } from '../../support/byte-path.js';
import { fsPath, type ByteString } from '../../support/byte-string.js';
import type { RootedDirectories } from '../../support/rooted-path.js';

/**
 * Removes a directory with all that is in it. Each directory on the way is opened as `RootedDirectories` does: Node's own removal
 * goes by paths, and would go wherever one of them leads by then.
 */
export function removeDirectory(
  directories: RootedDirectories,
  [parent, name]: readonly [ByteString, ByteString],
): void {
  const path = childPath(parent, name);
  for (const entry of readdirSync(fsPath(directories.self(path)), 'latin1') as ByteString[]) {
    const host = directories.child(path, entry);
    if (statFile(host)?.isDirectory() === true) removeDirectory(directories, [path, entry]);
    else unlinkSync(fsPath(host));
  }
  rmdirSync(fsPath(directories.child(parent, name)));
}
