import { digestOf } from '../../../oci/digest.js';
import type { CopySource } from '../../operation.js';
import type { KeyMaterial, OperationContext } from '../../solver/operation-handler.js';
import { keyMaterial } from '../key-material.js';
import type { OperationParts } from '../operation-parts.js';
import { resultChainId } from '../result.js';
import { contentDigest } from './content-digest.js';
import type { PlannedSource } from './copy-planner.js';
import { inputOf, openSources, type CopyStep } from './copy-sources.js';

/**
 * Of files from a stage: first by the stage as a whole, which needs none of its files; then by what is copied.
 * Of files from the context or from elsewhere: by what is copied. A layer by `--link` does not depend on the root file system.
 */
export async function* copyKeys(
  parts: OperationParts,
  step: CopyStep,
  context: OperationContext,
): AsyncGenerator<KeyMaterial> {
  const { operation, root } = step;
  const { sources, ...definition } = operation;
  const parent = operation.link === true ? null : resultChainId(root);
  const common = { operation: definition, parent, epoch: parts.sourceDateEpoch ?? null };
  const from = stagesOf(step);
  if (from !== undefined) yield keyMaterial({ ...common, sources, from });
  const opened = await openSources(parts, step, context);
  yield keyMaterial({ ...common, content: opened.map((source, index) => contentOf(source, sources[index])) });
}

/** The root file systems that all is copied from; `undefined` when some of it is from elsewhere, or all is in the Dockerfile. */
function stagesOf(step: CopyStep): readonly (string | null)[] | undefined {
  const inputs = step.operation.sources.flatMap((source) => (source.kind === 'inline' ? [] : [inputOf(step, source)]));
  const stages = inputs.flatMap((input) => (input.kind === 'file-system' ? [resultChainId(input)] : []));
  return stages.length > 0 && stages.length === inputs.length ? stages : undefined;
}

function contentOf(opened: PlannedSource, source: CopySource | undefined): unknown {
  if (opened.kind === 'inline') return { kind: 'inline', name: opened.name, digest: digestOf(opened.content) };
  return { kind: source?.kind, digest: contentDigest(opened.origin, opened.selection) };
}
