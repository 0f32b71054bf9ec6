import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeUnfinished } from '../support/atomic-file.js';
import { systemErrorCode } from '../support/errors.js';
import { removeTree } from '../support/files.js';
import { layout } from './layout.js';
import { removeOldPartials } from './partial-blob.js';
import type { RecordKind } from './record-store.js';

/**
 * Removes what stands beside names and records when a process dies while it writes them, the claims of dead processes, damaged
 * blobs put aside, and old partial ones. Only for who has the store to itself.
 */
export async function removeLeftovers(root: string, kinds: readonly RecordKind[]): Promise<void> {
  for (const directory of [root, ...kinds.map((kind) => layout.records(root, kind))]) await removeUnfinished(directory);
  await removeClaims(root);
  await removeTree(layout.corrupt(root));
  await removeOldPartials(root);
}

/** Whoever claims work has the store shared: while one has it exclusively, no claim is a living process's. */
async function removeClaims(root: string): Promise<void> {
  for (const name of await namesIn(layout.claims(root))) await rm(join(layout.claims(root), name), { force: true });
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
