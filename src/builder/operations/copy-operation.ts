import type { OperationContext } from '../solver/operation-handler.js';
import { refuseArchives } from './added-archive.js';
import { copyChanges } from './copy-changes.js';
import { locating, selectForCopy, type CopyStep } from './copy-keys.js';
import { recordLayer } from './layer-recorder.js';
import { madeTime } from './step-time.js';
import type { OperationParts } from './operation-parts.js';
import { withLayer, type FileSystemResult } from './result.js';
import { openTree } from './root-tree.js';
import { lookUpOwner } from './user-lookup.js';

/** @throws `COPY_FAILED` */
export async function executeCopy(
  parts: OperationParts,
  step: CopyStep,
  context: OperationContext,
): Promise<FileSystemResult> {
  const { vertex, operation, root } = step;
  const { tree, selection } = await selectForCopy(parts, step, context);
  if (operation.keyword === 'ADD') refuseArchives(tree, selection, vertex.source);
  const base = await openTree(parts, root, { step: vertex.id, context });
  const changes = locating(step, () =>
    copyChanges({
      operation,
      base,
      source: tree,
      selection,
      owner: operation.chown === undefined ? undefined : lookUpOwner(base, operation.chown),
      made: madeTime(parts.sourceDateEpoch),
    }),
  );
  return withLayer(root, await recordLayer(parts, changes, context.signal));
}
