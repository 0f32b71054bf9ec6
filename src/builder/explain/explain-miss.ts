import type { RecordStore } from '../../store/record-store.js';
import type { BuildRequest } from '../build-request.js';
import type { Vertex, VertexId } from '../graph.js';
import type { Operation } from '../operation.js';
import type { BuildJournal, JournalStep } from './build-journal.js';
import { definitionChanges, type KeyParts } from './compare-parts.js';
import { fileChanges } from './file-changes.js';
import type { ListedFile } from './file-list.js';
import type { KeyChange } from './key-change.js';
import { fileListsOf, partsOf, textOfLabel, type WatchedVertex } from './watched-vertex.js';

export interface MissParts {
  readonly vertices: ReadonlyMap<VertexId, WatchedVertex>;
  readonly journal: Pick<BuildJournal, 'loadFiles'>;
  readonly store: { readonly records: Pick<RecordStore, 'list'> };
  readonly secrets: BuildRequest['secrets'];
}

/** So many records are looked through for a step that the journal does not know. */
const MAX_RECORDS = 5000;

/** What of a step's key is not what it was, in the order: where it stands, how it is defined, what it takes. Never empty. */
export async function explainMiss(
  watched: WatchedVertex,
  { mayLoad }: { readonly mayLoad: boolean },
  parts: MissParts,
): Promise<readonly KeyChange[]> {
  if (!mayLoad) return [{ what: 'not-looked-for' }];
  const former = watched.former ?? (await nearestRecord(watched.vertex, parts.store.records));
  if (former === undefined) return [{ what: 'new' }];
  const changes = await changesSince(former, watched, parts);
  return changes.length > 0 ? changes : [{ what: 'forgotten' }];
}

async function changesSince(
  former: JournalStep,
  watched: WatchedVertex,
  parts: MissParts,
): Promise<readonly KeyChange[]> {
  const compared = { before: former.parts, after: partsOf(watched), vertex: watched.vertex };
  const secrets = new Set(Object.values(parts.secrets).map((value) => Buffer.from(value).toString('utf8')));
  const text = textOfLabel(watched.vertex.label);
  return [
    ...parentChanges(compared, parts),
    ...definitionChanges(former, { text, parts: compared.after }, { secrets }),
    ...(await contentChanges(former, watched, parts)),
  ];
}

/** What a step was known by, and is. */
interface Compared {
  readonly before: KeyParts;
  readonly after: KeyParts;
  readonly vertex: Vertex<Operation>;
}

/** The root file system that the step stands on. */
function parentChanges({ before, after, vertex }: Compared, { vertices }: MissParts): readonly KeyChange[] {
  if ((before['parent'] ?? null) === (after['parent'] ?? null)) return [];
  const [root] = vertex.inputs;
  return root === undefined ? [] : causesOf(root, 'parent', vertices);
}

/** The step from which on all is different, or the image. Of a step that was told of as such, that step's own cause. */
function causesOf(id: VertexId, role: 'parent' | 'source', vertices: MissParts['vertices']): readonly KeyChange[] {
  const watched = vertices.get(id);
  if (watched === undefined) return [];
  const { vertex, former, changes = [] } = watched;
  if (vertex.operation.kind === 'image') return [baseChange(vertex.operation, former)];
  const causes = changes.filter(isCause);
  // Files that are other ones because of a stage are no change of their own.
  const isDerived = (change: KeyChange): boolean => change.what === 'files' && causes.some(isSource);
  const [cause] = causes;
  if (cause !== undefined && changes.every((change) => isCause(change) || isDerived(change))) {
    return [cause.what === 'step' ? { ...cause, role } : cause];
  }
  return [{ what: 'step', step: id, label: vertex.label, role }];
}

function isCause(change: KeyChange): change is Extract<KeyChange, { what: 'step' | 'base' }> {
  return change.what === 'step' || change.what === 'base';
}

function isSource(change: KeyChange): boolean {
  return change.what === 'step' && change.role === 'source';
}

function baseChange(operation: Extract<Operation, { kind: 'image' }>, former: JournalStep | undefined): KeyChange {
  const { reference, manifest } = operation;
  const was = former?.parts['operation'] as Partial<typeof operation> | undefined;
  return {
    what: 'base',
    reference,
    before: was?.reference === reference ? (was.manifest ?? null) : null,
    after: manifest,
  };
}

/** The files that the step takes: of a context, of other stages, of what was fetched. */
async function contentChanges(
  former: JournalStep,
  watched: WatchedVertex,
  parts: MissParts,
): Promise<readonly KeyChange[]> {
  const compared = { before: former.parts, after: partsOf(watched), vertex: watched.vertex };
  const { before, after } = compared;
  const names = ['content', 'seen'].filter((name) => name in before && name in after);
  if (names.length > 0) {
    if (names.every((name) => isSame(before[name], after[name]))) return [];
    const sources = sourceChanges(compared, parts);
    return [...sources, await filesSince(former, watched, parts)];
  }
  const sources = sourceChanges(compared, parts);
  const isOther = ['content', 'seen', 'from', 'taken'].some((name) => !isSame(before[name], after[name]));
  return sources.length === 0 && isOther ? [{ what: 'files', files: [], total: 0 }] : sources;
}

/** Stages and images that files are taken from, and that have other files than before. */
function sourceChanges({ before, after, vertex }: Compared, { vertices }: MissParts): readonly KeyChange[] {
  if (isSame(before['from'], after['from']) && isSame(before['taken'], after['taken'])) return [];
  const [, ...sources] = vertex.inputs;
  const changed = [...new Set(sources)].filter((id) => {
    const source = vertices.get(id);
    return (
      source !== undefined && source.former?.result !== source.result && source.vertex.operation.kind !== 'context'
    );
  });
  return changed.flatMap((id) => causesOf(id, 'source', vertices));
}

async function filesSince(former: JournalStep, { keys }: WatchedVertex, { journal }: MissParts): Promise<KeyChange> {
  const unknown: KeyChange = { what: 'files', files: [], total: 0 };
  const before = new Map<string, ListedFile>();
  for (const name of former.files) {
    const list = await journal.loadFiles(name);
    if (list === undefined) return unknown;
    for (const [path, file] of list) before.set(path, file);
  }
  const lists = fileListsOf(keys);
  if (former.files.length === 0 || !lists.every((list) => list.isWhole)) return unknown;
  const after = new Map<string, ListedFile>();
  for (const list of lists) {
    const files = await list.files();
    if (files === undefined) return unknown;
    for (const [path, file] of files) after.set(path, file);
  }
  return fileChanges(before, after) ?? unknown;
}

/** What was done of the same instruction in another build: of another folder, Dockerfile or target. The one used last. */
async function nearestRecord(
  { label, operation }: Vertex<Operation>,
  records: Pick<RecordStore, 'list'>,
): Promise<JournalStep | undefined> {
  const text = textOfLabel(label);
  let nearest: { readonly step: JournalStep; readonly usedAt: number } | undefined;
  let seen = 0;
  for await (const { record, usedAt } of records.list('step')) {
    if ((seen += 1) > MAX_RECORDS) break;
    const { label: other, parts } = (record ?? {}) as { readonly label?: unknown; readonly parts?: unknown };
    if (typeof other !== 'string' || textOfLabel(other) !== text) continue;
    if (typeof parts !== 'object' || parts === null || usedAt < (nearest?.usedAt ?? 0)) continue;
    const step = { stage: '', text, kind: operation.kind, keys: [], parts: parts as KeyParts, result: '', files: [] };
    nearest = { step, usedAt };
  }
  return nearest?.step;
}

function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
