import type { Vertex } from '../graph.js';
import type { Operation } from '../operation.js';
import type { KeyMaterial } from '../solver/operation-handler.js';
import type { JournalStep } from './build-journal.js';
import type { KeyParts } from './compare-parts.js';
import { FileList, RememberedFiles, type KeptFiles } from './file-list.js';
import type { KeyChange } from './key-change.js';

/** What is known of a vertex in this build. */
export interface WatchedVertex {
  readonly vertex: Vertex<Operation>;
  /** What the journal has of it. */
  readonly former: JournalStep | undefined;
  /** Keys that were looked for. */
  keys: readonly KeyMaterial[];
  /** Stands for what it gave; absent until it has given it. */
  result?: string;
  /** Why it was not found. */
  changes?: readonly KeyChange[];
}

export function textOfLabel(label: string): string {
  return label.replace(/^\[[^\]]*\] /, '');
}

/** Of a base image, the operation stands for what there are no keys of. */
export function partsOf({ vertex, keys }: Pick<WatchedVertex, 'vertex' | 'keys'>): KeyParts {
  if (vertex.operation.kind === 'image') return { operation: vertex.operation };
  return Object.assign({}, ...keys.map(({ parts }) => parts)) as KeyParts;
}

export function fileListsOf(keys: readonly KeyMaterial[]): readonly KeptFiles[] {
  return keys.flatMap(({ detail }) => (Array.isArray(detail) ? detail.filter(isListOfFiles) : []));
}

function isListOfFiles(value: unknown): value is KeptFiles {
  return value instanceof FileList || value instanceof RememberedFiles;
}
