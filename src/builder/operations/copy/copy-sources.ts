import type { Vertex } from '../../graph.js';
import type { CopyOperation, CopySource, Operation } from '../../operation.js';
import type { Tree } from '../../../layers/tree.js';
import type { ByteString } from '../../../support/byte-string.js';
import { invariant } from '../../../support/invariant.js';
import type { OperationContext } from '../../solver/operation-handler.js';
import type { OperationParts } from '../operation-parts.js';
import type { TreeReading } from '../reading-trees.js';
import type { FileSystemResult, Result } from '../result.js';
import type { ReadTree } from '../root-tree.js';
import { locating } from '../../locating.js';
import type { CopyOrigin } from './copy-origin.js';
import type { PlannedSource } from './copy-planner.js';
import { selectSource, type CopySelection } from './copy-selection.js';
import { walkSelection } from './copy-walk.js';

export interface CopyStep {
  readonly vertex: Vertex<Operation>;
  readonly operation: CopyOperation;
  readonly root: FileSystemResult;
  /** The root file system again, then those copied from. */
  readonly inputs: readonly Result[];
}

/** For whom, and how, root file systems are read. */
export interface Way {
  readonly context: OperationContext;
  readonly reading: TreeReading;
}

/** The sources of a copy, each with the tree that it reads and what of it. @throws `COPY_FAILED` */
export async function openSources(parts: OperationParts, step: CopyStep, way: Way): Promise<readonly PlannedSource[]> {
  const { operation } = step;
  const opened: PlannedSource[] = [];
  for (const source of operation.sources) {
    if (source.kind === 'inline') {
      opened.push(source);
      continue;
    }
    const { origin, bring } = await openOrigin(parts, { step, source }, way);
    const selection = locating(step.vertex, () => selectSource(source, origin, operation));
    await bring(filesOf(selection, origin.tree));
    opened.push({ kind: 'files', origin, selection, unpack: unpacks(operation, source) });
  }
  return opened;
}

/** What a source is copied from. */
export function inputOf({ inputs }: CopyStep, { input }: Exclude<CopySource, { kind: 'inline' }>): Result {
  return inputAt(inputs, { input });
}

function inputAt<T>(inputs: readonly T[], { input }: { readonly input: number }): T {
  const from = inputs[input];
  invariant(from !== undefined, `a copy has an input ${input}`);
  return from;
}

async function openOrigin(
  parts: OperationParts,
  { step, source }: { readonly step: CopyStep; readonly source: Exclude<CopySource, { kind: 'inline' }> },
  { context, reading }: Way,
): Promise<{ readonly origin: CopyOrigin; readonly bring: ReadTree['bring'] }> {
  const from = inputOf(step, source);
  const ownership = step.operation.fromContext || source.kind === 'remote' ? 'root' : 'kept';
  if (from.kind === 'tree') {
    const { tree, description, ignoredBy = nothing, memory } = from;
    return { origin: { tree, description, ignoredBy, ownership, memory }, bring: () => Promise.resolve() };
  }
  // What unpacks layers is loaded only when a stage's files are really needed.
  const { openReadTree } = await import('../root-tree.js');
  const of = { root: from, vertex: inputAt(step.vertex.inputs, source) };
  const { tree, bring } = await openReadTree(parts, of, { step: step.vertex.id, context, reading, contents: true });
  const description = 'the image or stage it is copied from';
  return { origin: { tree, description, ignoredBy: nothing, ownership }, bring };
}

/** All whose content may be copied. */
function* filesOf(selection: readonly CopySelection[], tree: Tree): Generator<ByteString, void, undefined> {
  for (const selected of selection) {
    if (selected.entry.type === 'file') yield selected.path;
    if (selected.entry.type !== 'directory') continue;
    for (const { path, entry } of walkSelection(selected, tree)) if (entry.type === 'file') yield path;
  }
}

function nothing(): undefined {
  return undefined;
}

/** Whether archives that the source names are unpacked (dockerfile.md 97, 99). */
function unpacks({ keyword, unpack }: CopyOperation, { kind }: CopySource): boolean {
  return unpack ?? (keyword === 'ADD' && kind === 'path');
}
