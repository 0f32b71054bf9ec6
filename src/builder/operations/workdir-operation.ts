import type { Change } from '../../layers/change.js';
import { bytesOfText } from '../../support/byte-string.js';
import type { Vertex } from '../graph.js';
import type { Operation, WorkdirOperation } from '../operation.js';
import type { OperationContext } from '../solver/operation-handler.js';
import { recordLayer } from './layer-recorder.js';
import { madeTime } from './step-time.js';
import { directoryEntries, resolveDirectory } from './missing-directories.js';
import type { OperationParts } from './operation-parts.js';
import { rootOf, withLayer, type FileSystemResult } from './result.js';
import { readingTrees } from './reading-trees.js';
import { openReadTree } from './root-tree.js';
import { lookUpUser } from './user-lookup.js';

/**
 * Makes a directory with all its missing parents, owned by the current user. A directory that exists is left as it is, and
 * the layer is then empty, as BuildKit has it (dockerfile.md 66, 68).
 */
export async function executeWorkdir(
  parts: OperationParts,
  { vertex, operation, root }: { vertex: Vertex<Operation>; operation: WorkdirOperation; root: FileSystemResult },
  context: OperationContext,
): Promise<FileSystemResult> {
  const of = { root, vertex: rootOf(vertex) };
  const entries = await readingTrees(async (reading) => {
    const { tree } = await openReadTree(parts, of, { step: vertex.id, context, reading, contents: false });
    const path = resolveDirectory(tree, bytesOfText(operation.path.slice(1)));
    const { uid, gid } = lookUpUser(tree, operation.user);
    return directoryEntries(tree, path, { mode: 0o755, uid, gid, mtime: madeTime(parts.sourceDateEpoch) });
  });
  const missing = entries.some(({ exists }) => !exists);
  const changes = missing ? entries.map(({ entry }): Change => ({ kind: 'upsert', entry })) : [];
  return withLayer(root, await recordLayer(parts, changes, context.signal));
}
