import { chmodSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { abandonedParts, removeAbandoned } from '../temporary-area.js';
import { entriesOf } from './check-blobs.js';
import { quarantined, type Finding } from './finding.js';

/** What the store alone writes, all the way down; elsewhere, files belong to images and steps. */
const OWN_FOLDERS: readonly string[] = ['blobs', 'records', 'layer-indexes', 'locks'];

/** Invariant I9: nothing of the store's own leads out of it, or is for others to write. */
export async function checkFiles(root: string): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const visit = async (directory: string): Promise<void> => {
    for (const { name } of await entriesOf(join(root, directory))) {
      const path = directory === '' ? name : `${directory}/${name}`;
      const stat = lstatSync(join(root, path), { throwIfNoEntry: false });
      if (stat === undefined) continue;
      if (stat.isSymbolicLink()) findings.push(link(root, path));
      else if ((stat.mode & 0o022) !== 0) findings.push(writable(root, path, stat.mode));
      if (stat.isDirectory() && (directory !== '' || OWN_FOLDERS.includes(name))) await visit(path);
    }
  };
  await visit('');
  return findings;
}

function link(root: string, path: string): Finding {
  const found = { invariant: 'I9', path, state: 'it is a symbolic link' } as const;
  // Blobs are checked for what they are; and a folder that is elsewhere, somebody has put there.
  return path.includes('/') ? quarantined(root, path, found) : found;
}

function writable(root: string, path: string, mode: number): Finding {
  return {
    invariant: 'I9',
    path,
    state: 'others may write to it',
    remedy: 'takes that right away',
    repair: () => {
      chmodSync(join(root, path), mode & 0o7777 & ~0o022);
      return Promise.resolve();
    },
  };
}

/** Invariant I7: what dead processes left goes with the next one that writes. */
export function checkTemporary(root: string): readonly Finding[] {
  return abandonedParts(root).map((name) => ({
    invariant: 'I7',
    path: `tmp/${name}`,
    state: 'a process that is gone left it',
    remedy: 'removes it',
    repair: async () => {
      await removeAbandoned(root);
    },
  }));
}
