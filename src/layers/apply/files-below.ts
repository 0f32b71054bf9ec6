import { statFile } from '../files/file-stat.js';
import { mkdirSync, readlinkSync, unlinkSync } from 'node:fs';
import { baseName, parentPath } from '../../support/byte-path.js';
import { fsPath, type ByteString } from '../../support/byte-string.js';
import type { RootedDirectories } from '../../support/rooted-path.js';
import { timestampOf } from '../files/file-entry.js';
import type { OwnFiles } from './merged-directories.js';

/** The files of a layer that are written below a root. */
export function filesBelow(directories: RootedDirectories): OwnFiles {
  const hostOf = (path: ByteString): ByteString => directories.child(parentPath(path), baseName(path));
  return {
    look: (path) => {
      const host = hostOf(path);
      const stat = statFile(host);
      if (stat === undefined) return undefined;
      if (stat.isDirectory()) return { kind: 'directory', mtime: timestampOf(stat.mtimeNs) };
      if (!stat.isSymbolicLink()) return { kind: 'other' };
      return { kind: 'link', target: readlinkSync(fsPath(host), 'latin1') as ByteString };
    },
    makeDirectory: (path) => {
      // Its own mode it gets when all is in it.
      mkdirSync(fsPath(hostOf(path)), 0o700);
    },
    remove: (path) => {
      unlinkSync(fsPath(hostOf(path)));
    },
    forget: () => {
      directories.forget();
    },
  };
}
