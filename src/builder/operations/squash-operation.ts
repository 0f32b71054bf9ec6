import { treeDifference } from '../../layers/tree-difference.js';
import type { Vertex } from '../graph.js';
import type { Operation } from '../operation.js';
import type { OperationContext } from '../solver/operation-handler.js';
import { recordLayer } from './layer-recorder.js';
import type { OperationParts } from './operation-parts.js';
import { withLayer, type FileSystemResult } from './result.js';
import { openTree } from './root-tree.js';

/** One layer that makes the result of what it is based on, in the place of all that the build made. */
export async function executeSquash(
  parts: OperationParts,
  { vertex, base, result }: { vertex: Vertex<Operation>; base: FileSystemResult; result: FileSystemResult },
  context: OperationContext,
): Promise<FileSystemResult> {
  const step = { step: vertex.id, context };
  const after = await openTree(parts, result, step);
  const before = await openTree(parts, base, step);
  return withLayer(base, await recordLayer(parts, treeDifference(before, after), context.signal));
}
