import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isUnfinishedName } from '../support/atomic-file.js';
import { removeTree } from '../support/files.js';
import { systemErrorCode } from '../support/errors.js';
import { layout } from './layout.js';
import { removeOldPartials } from './partial-blob.js';
import type { RecordKind } from './record-store.js';

/** Milliseconds. Writing a small file takes none; whoever began an hour ago will not finish. */
const ABANDONED_AFTER = 3_600_000;

/** Removes what stands beside names and records when a process dies while it writes them, damaged blobs put aside, and old partial ones. */
export async function removeLeftovers(root: string, kinds: readonly RecordKind[]): Promise<void> {
  for (const directory of [root, ...kinds.map((kind) => layout.records(root, kind))]) {
    for (const name of await namesIn(directory)) {
      if (isUnfinishedName(name)) await removeAbandonedFile(join(directory, name));
    }
  }
  await removeTree(layout.corrupt(root));
  await removeOldPartials(root);
}

async function removeAbandonedFile(path: string): Promise<void> {
  const { mtimeMs } = await stat(path);
  if (mtimeMs < Date.now() - ABANDONED_AFTER) await rm(path, { force: true });
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
