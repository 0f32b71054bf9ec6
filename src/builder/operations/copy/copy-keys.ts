import { digestOf } from '../../../oci/digest.js';
import type { KeptFiles } from '../../explain/file-list.js';
import { canonicalJson } from '../../../oci/canonical-json.js';
import type { CopyOperation } from '../../operation.js';
import type { KeyMaterial, OperationContext } from '../../solver/operation-handler.js';
import { keyMaterial } from '../key-material.js';
import type { OperationParts } from '../operation-parts.js';
import { readingTrees } from '../reading-trees.js';
import { resultChainId } from '../result.js';
import { keyedTimes } from '../step-time.js';
import { digestSelection } from './content-digest.js';
import type { PlannedSource } from './copy-planner.js';
import { inputOf, openSources, type CopyStep } from './copy-sources.js';

/**
 * Of files from a stage, or from elsewhere: first by the whole of it, which needs no file read; then by what is copied.
 * Of files from the context: by what is copied. A layer by `--link` does not depend on the root file system.
 */
export async function* copyKeys(
  parts: OperationParts,
  step: CopyStep,
  context: OperationContext,
): AsyncGenerator<KeyMaterial> {
  const { operation, root } = step;
  const { sources, ...definition } = operation;
  const parent = operation.link === true ? null : resultChainId(root);
  const common = { operation: definition, parent, epoch: keyedTimes(parts) };
  const from = originsOf(step);
  if (from !== undefined) yield keyMaterial({ ...common, sources, from });
  const contents = await readingTrees(async (reading) => {
    const opened = await openSources(parts, step, { context, reading });
    const found: Content[] = [];
    for (const [index, source] of opened.entries()) found.push(await contentOf(source, operation, index));
    return found;
  });
  const content = contents.map(({ part }) => part);
  yield { ...keyMaterial({ ...common, content }), detail: contents.flatMap(({ files }) => files ?? []) };
}

/**
 * What stands for all that is copied from, stages and what was fetched; `undefined` when some of it is a folder of this host, of
 * which only the files tell, or when all is in the Dockerfile.
 */
function originsOf(step: CopyStep): readonly (string | null)[] | undefined {
  const inputs = step.operation.sources.flatMap((source) => (source.kind === 'inline' ? [] : [inputOf(step, source)]));
  const origins = inputs.map((input) => (input.kind === 'file-system' ? resultChainId(input) : input.identity));
  if (origins.length === 0) return undefined;
  const known = origins.flatMap((origin) => (origin === undefined ? [] : [origin]));
  return known.length === origins.length ? known : undefined;
}

interface Content {
  readonly part: unknown;
  readonly files?: KeptFiles;
}

async function contentOf(opened: PlannedSource, operation: CopyOperation, index: number): Promise<Content> {
  if (opened.kind === 'inline') {
    return { part: { kind: 'inline', name: opened.name, digest: digestOf(opened.content) } };
  }
  const { sources, exclude = [], parents = false } = operation;
  const source = sources[index];
  const what = canonicalJson({ source, exclude, parents });
  const { digest, files } = await digestSelection(opened.origin, what, opened.selection);
  return { part: { kind: source?.kind, digest }, files };
}
