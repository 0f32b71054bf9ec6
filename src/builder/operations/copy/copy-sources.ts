import type { Vertex } from '../../graph.js';
import type { CopyOperation, CopySource, Operation } from '../../operation.js';
import { invariant } from '../../../support/invariant.js';
import type { OperationContext } from '../../solver/operation-handler.js';
import type { OperationParts } from '../operation-parts.js';
import type { FileSystemResult, Result } from '../result.js';
import { locating } from '../../locating.js';
import type { CopyOrigin } from './copy-origin.js';
import type { PlannedSource } from './copy-planner.js';
import { selectSource } from './copy-selection.js';

export interface CopyStep {
  readonly vertex: Vertex<Operation>;
  readonly operation: CopyOperation;
  readonly root: FileSystemResult;
  /** The root file system again, then those copied from. */
  readonly inputs: readonly Result[];
}

/** The sources of a copy, each with the tree that it reads and what of it. @throws `COPY_FAILED` */
export async function openSources(
  parts: OperationParts,
  step: CopyStep,
  context: OperationContext,
): Promise<readonly PlannedSource[]> {
  const { operation } = step;
  const opened: PlannedSource[] = [];
  for (const source of operation.sources) {
    if (source.kind === 'inline') {
      opened.push(source);
      continue;
    }
    const origin = await openOrigin(parts, { step, source }, context);
    const selection = locating(step.vertex, () => selectSource(source, origin, operation));
    opened.push({ kind: 'files', origin, selection, unpack: unpacks(operation, source) });
  }
  return opened;
}

/** What a source is copied from. */
export function inputOf({ inputs }: CopyStep, { input }: Exclude<CopySource, { kind: 'inline' }>): Result {
  const from = inputs[input];
  invariant(from !== undefined, `a copy has an input ${input}`);
  return from;
}

async function openOrigin(
  parts: OperationParts,
  { step, source }: { readonly step: CopyStep; readonly source: Exclude<CopySource, { kind: 'inline' }> },
  context: OperationContext,
): Promise<CopyOrigin> {
  const from = inputOf(step, source);
  const ownership = step.operation.fromContext || source.kind === 'remote' ? 'root' : 'kept';
  if (from.kind === 'tree') {
    return { tree: from.tree, description: from.description, ignoredBy: from.ignoredBy ?? nothing, ownership };
  }
  // What unpacks layers is loaded only when a stage's files are really needed.
  const { openTree } = await import('../root-tree.js');
  const tree = await openTree(parts, from, { step: step.vertex.id, context });
  return { tree, description: 'the image or stage it is copied from', ignoredBy: nothing, ownership };
}

function nothing(): undefined {
  return undefined;
}

/** Whether archives that the source names are unpacked (dockerfile.md 97, 99). */
function unpacks({ keyword, unpack }: CopyOperation, { kind }: CopySource): boolean {
  return unpack ?? (keyword === 'ADD' && kind === 'path');
}
