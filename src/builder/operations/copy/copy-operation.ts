import { EMPTY_TREE } from '../../../layers/tree.js';
import type { OperationContext } from '../../solver/operation-handler.js';
import { recordLayer } from '../layer-recorder.js';
import type { OperationParts } from '../operation-parts.js';
import { readingTrees, type TreeReading } from '../reading-trees.js';
import { rootOf, withLayer, type FileSystemResult, type ResultLayer } from '../result.js';
import { openReadTree } from '../root-tree.js';
import { madeTime } from '../step-time.js';
import { lookUpOwner } from '../user-lookup.js';
import { planCopy } from './copy-planner.js';
import { openSources, type CopyStep } from './copy-sources.js';
import { locatingAll } from '../../locating.js';

/** @throws `COPY_FAILED` */
export async function executeCopy(
  parts: OperationParts,
  step: CopyStep,
  context: OperationContext,
): Promise<FileSystemResult> {
  return withLayer(step.root, await readingTrees((reading) => makeLayer(parts, step, { context, reading })));
}

async function makeLayer(
  parts: OperationParts,
  step: CopyStep,
  { context, reading }: { readonly context: OperationContext; readonly reading: TreeReading },
): Promise<ResultLayer> {
  const { vertex, operation, root } = step;
  const { signal } = context;
  const sources = await openSources(parts, step, { context, reading });
  const of = { root, vertex: rootOf(vertex) };
  const forStep = { step: vertex.id, context, reading, contents: false };
  const base = operation.link === true ? EMPTY_TREE : (await openReadTree(parts, of, forStep)).tree;
  return await locatingAll(vertex, async () => {
    const owner = operation.chown === undefined ? undefined : lookUpOwner(base, operation.chown);
    const made = madeTime(parts.sourceDateEpoch);
    const draft = await planCopy({ operation, base, sources, owner, made, signal });
    return recordLayer(parts, draft.changes(), signal);
  });
}
