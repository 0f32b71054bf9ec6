import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { removeUnfinished } from '../../support/atomic-file.js';
import { bytesBelow } from '../../support/directory-size.js';
import { removeTree } from '../../support/files.js';
import { systemErrorCode } from '../../support/errors.js';
import { layout } from '../layout.js';
import { removeOldPartials } from '../blobs/partial-blob.js';
import { RECORD_KINDS } from '../record-store.js';

/**
 * Removes what stands beside names and records when a process dies while it writes them, locks on work that nobody does,
 * damaged blobs put aside, and old partial ones. Only for who has the store to itself.
 */
export async function removeLeftovers(root: string): Promise<void> {
  const records = RECORD_KINDS.map((kind) => layout.records(root, kind));
  for (const directory of [root, ...records, layout.layerIndexes(root)]) {
    await removeUnfinished(directory);
  }
  // Whoever holds one of these holds the store as well: they are of processes that were killed.
  await removeTree(layout.claims(root));
  await removeTree(layout.corrupt(root));
  await removeOldPartials(root);
}

/** Of damaged blobs that were put aside. */
export function corruptBytes(root: string): number {
  return bytesBelow(layout.corrupt(root));
}

/** Of unfinished work, as far as this user may look at it. */
export function temporaryBytes(root: string): number {
  let bytes = 0;
  for (const name of readdirSync(layout.temporary(root))) bytes += bytesOrNothing(join(layout.temporary(root), name));
  return bytes;
}

/** Steps at work have files of other ids, in folders that are closed to this one. */
function bytesOrNothing(path: string): number {
  try {
    return bytesBelow(path);
  } catch (error) {
    if (systemErrorCode(error) === 'EACCES') return 0;
    throw error;
  }
}
