import type { Tree } from '../../layers/tree.js';
import { invariant } from '../../support/invariant.js';
import { isTsbuildError, TsbuildError } from '../../support/errors.js';
import type { Vertex } from '../graph.js';
import type { CopyOperation, Operation } from '../operation.js';
import type { StepId } from '../progress.js';
import type { KeyMaterial, OperationContext } from '../solver/operation-handler.js';
import { contentDigest } from './content-digest.js';
import { selectSources, type CopySelection } from './copy-selection.js';
import { keyMaterial } from './key-material.js';
import type { OperationParts } from './operation-parts.js';
import { resultChainId, type FileSystemResult, type Result } from './result.js';

export interface CopyStep {
  readonly vertex: Vertex<Operation>;
  readonly operation: CopyOperation;
  readonly root: FileSystemResult;
  /** The root file system again, then those copied from. */
  readonly inputs: readonly Result[];
}

/**
 * Of files from a stage: first by the stage as a whole, which needs none of its files; then by what is copied.
 * Of files from the context: by what is copied.
 */
export async function* copyKeys(
  parts: OperationParts,
  step: CopyStep,
  context: OperationContext,
): AsyncGenerator<KeyMaterial> {
  const { operation, root } = step;
  const from = copiedFrom(step);
  const { sources, ...definition } = operation;
  const common = { operation: definition, parent: resultChainId(root), epoch: parts.sourceDateEpoch ?? null };
  if (from.kind === 'file-system') yield keyMaterial({ ...common, sources, from: resultChainId(from) });
  const { tree, selection } = await selectForCopy(parts, step, context);
  yield keyMaterial({ ...common, content: contentDigest(tree, selection, operation) });
}

/** The tree that a copy reads, and what of it. @throws `COPY_FAILED` */
export async function selectForCopy(
  parts: OperationParts,
  step: CopyStep,
  context: OperationContext,
): Promise<{ readonly tree: Tree; readonly selection: readonly CopySelection[] }> {
  const { vertex, operation } = step;
  const from = copiedFrom(step);
  const tree = from.kind === 'tree' ? from.tree : await openStage(parts, from, { step: vertex.id, context });
  const description = from.kind === 'tree' ? from.description : 'the image or stage it is copied from';
  const ignored = from.kind === 'tree' ? from.ignored : () => false;
  return { tree, selection: locating(step, () => selectSources(operation, { tree, ignored, description })) };
}

function copiedFrom({ inputs }: CopyStep): Result {
  const from = inputs[1];
  invariant(from !== undefined, 'a copy has two inputs');
  return from;
}

/** What unpacks layers is loaded only when a stage's files are really needed. */
async function openStage(
  parts: OperationParts,
  root: FileSystemResult,
  step: { readonly step: StepId; readonly context: OperationContext },
): Promise<Tree> {
  const { openTree } = await import('./root-tree.js');
  return openTree(parts, root, step);
}

/** Adds the instruction to an error that has none. */
export function locating<T>({ vertex }: CopyStep, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!isTsbuildError(error) || error.source !== undefined) throw error;
    const { code, message, hint, details, cause } = error;
    throw new TsbuildError(code, message, { hint, details, cause, source: vertex.source });
  }
}
