import type { BuildGraph, VertexId } from './graph.js';
import type { CopyOperation, Operation, ScratchOperation } from './operation.js';
import { vertexIdOf } from './plan/graph-builder.js';

const SCRATCH: ScratchOperation = { kind: 'scratch' };
/** As `COPY --from=result / /` onto nothing. */
const COPY_ALL: CopyOperation = {
  kind: 'copy',
  keyword: 'COPY',
  fromContext: false,
  sources: [{ kind: 'path', input: 1, pattern: '' }],
  destination: '/',
};

/** A graph that also has all files of its target's root file system in one layer, which is its target now. @param platform to be shown */
export function withFilesOfResult(
  { target, vertices }: BuildGraph<Operation>,
  platform?: string,
): BuildGraph<Operation> {
  const scratch = vertexIdOf(SCRATCH, []);
  const inputs: readonly VertexId[] = [scratch, target];
  const files = vertexIdOf(COPY_ALL, inputs);
  const label = `[${platform === undefined ? '' : `${platform} `}output] gather the files of the result`;
  const added = new Map(vertices);
  if (!added.has(scratch)) added.set(scratch, { id: scratch, operation: SCRATCH, inputs: [], label: 'FROM scratch' });
  added.set(files, { id: files, operation: COPY_ALL, inputs, label });
  return { target: files, vertices: added };
}
