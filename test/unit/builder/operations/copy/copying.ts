import type { CopyOperation } from '../../../../../src/builder/operation.js';
import type { CopyOrigin } from '../../../../../src/builder/operations/copy/copy-origin.js';
import { planCopy, type PlannedSource } from '../../../../../src/builder/operations/copy/copy-planner.js';
import { selectSource, type CopySelection } from '../../../../../src/builder/operations/copy/copy-selection.js';
import type { Change } from '../../../../../src/layers/change.js';
import { createIgnoreMatcher } from '../../../../../src/parser/ignore-file.js';
import { memoryTree, type MemoryFile } from '../../../../support/memory-tree.js';

export type Files = Readonly<Record<string, MemoryFile | string>>;

export interface CopyCase {
  readonly source: Files;
  readonly base?: Files;
  /** Patterns; `pivot/./pattern` with `parents`, `<<name` for an inline file of the content `name`. */
  readonly sources: readonly string[];
  readonly destination: string;
  readonly more?: Partial<Omit<CopyOperation, 'sources' | 'destination'>>;
  readonly owner?: { uid: number; gid: number };
  /** Lines of an ignore file. */
  readonly ignore?: string;
}

export function originOf({ source, more, ignore = '' }: CopyCase): CopyOrigin {
  const matcher = createIgnoreMatcher(ignore, { file: '.dockerignore' });
  return {
    tree: memoryTree(source),
    description: 'the build context',
    ignoredBy: (path) => matcher.ignoredBy(path),
    ownership: more?.fromContext === false ? 'kept' : 'root',
  };
}

function operationOf({ sources, destination, more }: CopyCase): CopyOperation {
  const planned = sources.map((text) => {
    if (text.startsWith('<<')) return { kind: 'inline', name: text.slice(2), content: text.slice(2) } as const;
    const [pivot = '', pattern] = text.split('/./');
    if (pattern === undefined) return { kind: 'path', input: 1, pattern: text } as const;
    return { kind: 'path', input: 1, pattern, pivot } as const;
  });
  return { kind: 'copy', keyword: 'COPY', fromContext: true, sources: planned, destination, ...more };
}

export function selectionOf(given: CopyCase, origin: CopyOrigin = originOf(given)): readonly CopySelection[] {
  const operation = operationOf(given);
  return operation.sources.flatMap((one) => (one.kind === 'inline' ? [] : selectSource(one, origin, operation)));
}

export async function changesOf(given: CopyCase): Promise<readonly Change[]> {
  const [operation, origin] = [operationOf(given), originOf(given)];
  const unpack = operation.unpack ?? operation.keyword === 'ADD';
  const sources = operation.sources.map((one): PlannedSource => {
    if (one.kind === 'inline') return one;
    return { kind: 'files', origin, selection: selectSource(one, origin, operation), unpack };
  });
  const base = memoryTree(given.base ?? {});
  const made = { seconds: 0, nanoseconds: 0 };
  const draft = await planCopy({ operation, base, sources, owner: given.owner, made });
  const changes: Change[] = [];
  for await (const change of draft.changes())
    changes.push(change.kind === 'upsert' ? await withContent(change) : change);
  return changes;
}

/** What an archive gives can be read only until the next change is asked for. */
async function withContent(change: Extract<Change, { kind: 'upsert' }>): Promise<Change> {
  if (change.open === undefined) return change;
  const chunks: Uint8Array[] = [];
  for await (const chunk of change.open()) chunks.push(Buffer.from(chunk));
  return { ...change, open: () => chunks };
}

/** One line an entry: `type mode uid:gid path @mtime content -> target`. */
export async function copied(given: CopyCase): Promise<readonly string[]> {
  return (await changesOf(given)).map((change) => {
    if (change.kind !== 'upsert') return `${change.kind} ${change.path}`;
    const { type, mode, uid, gid, path, linkTarget, mtime } = change.entry;
    const content = [...((change.open?.() ?? []) as Iterable<Uint8Array>)]
      .map((chunk) => Buffer.from(chunk).toString())
      .join('');
    const tail = [content, linkTarget === undefined ? '' : `-> ${linkTarget}`].filter((text) => text !== '').join(' ');
    return `${type} ${mode.toString(8)} ${uid}:${gid} ${path} @${mtime.seconds} ${tail}`.trimEnd();
  });
}

/** The paths alone. */
export async function copiedPaths(given: CopyCase): Promise<readonly string[]> {
  return (await changesOf(given)).map((change) =>
    change.kind === 'upsert' ? change.entry.path : `${change.kind} ${change.path}`,
  );
}
