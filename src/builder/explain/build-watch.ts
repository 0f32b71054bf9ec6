import { canonicalJson } from '../../oci/canonical-json.js';
import { digestOf, type Digest } from '../../oci/digest.js';
import type { Store } from '../../store/store.js';
import type { BuildRequest } from '../build-request.js';
import type { BuildGraph, Vertex, VertexId } from '../graph.js';
import type { Operation } from '../operation.js';
import { resultChainId, type Result } from '../operations/result.js';
import { dependencyOrder } from '../solver/dependency-order.js';
import type { KeyMaterial } from '../solver/operation-handler.js';
import { BuildJournal, type JournalStep } from './build-journal.js';
import type { KeyParts } from './compare-parts.js';
import type { KeptFiles } from './file-list.js';
import type { KeyChange } from './key-change.js';
import { matchSteps } from './match-steps.js';
import { fileListsOf, partsOf, textOfLabel, type WatchedVertex } from './watched-vertex.js';

export interface BuildWatchOptions {
  readonly store: Pick<Store, 'records'>;
  readonly request: BuildRequest;
}

/**
 * Follows a build: keeps what its steps are known by for the next one, and finds out why those are done that are. What that takes
 * beyond keeping is loaded where the request asks for details.
 */
export class BuildWatch {
  readonly #options: BuildWatchOptions;
  readonly #journal: BuildJournal;
  readonly #former: readonly JournalStep[];
  readonly #vertices: ReadonlyMap<VertexId, WatchedVertex>;

  private constructor(
    options: BuildWatchOptions,
    journal: BuildJournal,
    {
      former,
      vertices,
    }: { readonly former: readonly JournalStep[]; readonly vertices: ReadonlyMap<VertexId, WatchedVertex> },
  ) {
    this.#options = options;
    this.#journal = journal;
    this.#former = former;
    this.#vertices = vertices;
  }

  static async open(graph: BuildGraph<Operation>, options: BuildWatchOptions): Promise<BuildWatch> {
    const journal = new BuildJournal(options.store.records, options.request);
    const former = await journal.load();
    const order = dependencyOrder(graph);
    const matches = matchSteps(order.map(featuresOf), former);
    const vertices = order.map((vertex, place): [VertexId, WatchedVertex] => [
      vertex.id,
      { vertex, former: matches[place], keys: [] },
    ]);
    return new BuildWatch(options, journal, { former, vertices: new Map(vertices) });
  }

  /** @returns why it was not found, where the request asks for details */
  async missed(
    { id }: Vertex<Operation>,
    keys: readonly KeyMaterial[],
    { mayLoad }: { readonly mayLoad: boolean },
  ): Promise<readonly KeyChange[] | undefined> {
    const watched = this.#vertices.get(id);
    // What has no key is done in every build.
    if (watched === undefined || keys.length === 0) return undefined;
    watched.keys = keys;
    const { request, store } = this.#options;
    if (request.details !== true) return undefined;
    const { explainMiss } = await import('./explain-miss.js');
    const parts = { vertices: this.#vertices, journal: this.#journal, store, secrets: request.secrets };
    watched.changes = await explainMiss(watched, { mayLoad }, parts);
    return watched.changes;
  }

  resolved(vertex: Vertex<Operation>, keys: readonly KeyMaterial[], result: Result): void {
    const watched = this.#vertices.get(vertex.id);
    if (watched === undefined) return;
    watched.keys = keys;
    watched.result = resultOf(result);
  }

  /** @param isDone whether all steps were done or found: then those of before that are none any more are forgotten */
  async save({ isDone }: { readonly isDone: boolean }): Promise<void> {
    const lists = new Map<string, KeptFiles>();
    const steps = [...this.#vertices.values()].flatMap((watched) => journalStep(watched, lists) ?? []);
    const taken = new Set([...this.#vertices.values()].map(({ former }) => former));
    const all = isDone ? steps : [...steps, ...this.#former.filter((step) => !taken.has(step))];
    const isSame = all.length === this.#former.length && all.every((step, place) => isEqual(step, this.#former[place]));
    if (!isSame) await this.#journal.save(all, lists, this.#former);
  }
}

function featuresOf({ label, stage, operation }: Vertex<Operation>): Pick<JournalStep, 'stage' | 'text' | 'kind'> {
  return { stage: stage ?? '', text: textOfLabel(label), kind: operation.kind };
}

function resultOf(result: Result): string {
  return result.kind === 'file-system' ? String(resultChainId(result)) : (result.identity ?? '');
}

/** As the next build wants to know it; what this build did not come to stays as it was. */
function journalStep(watched: WatchedVertex, lists: Map<string, KeptFiles>): JournalStep | undefined {
  const { vertex, former, keys, result } = watched;
  if (result === undefined) return former;
  if (vertex.operation.kind !== 'image' && keys.length === 0) return undefined;
  const features = featuresOf(vertex);
  const isKnown = keysOf(watched).some((key) => former?.keys.includes(key) === true);
  if (former !== undefined && isKnown) return { ...former, ...features, result };
  const parts = partsOf(watched);
  const found = fileListsOf(keys);
  const files = found.every((list) => list.isWhole) ? found.map((_, number) => nameOf(parts, number)) : [];
  for (const [number, name] of files.entries()) {
    const list = found[number];
    if (list !== undefined) lists.set(name, list);
  }
  return { ...features, keys: keysOf(watched), parts, result, files };
}

/** A base image has no key: its manifest stands for it. */
function keysOf({ vertex: { operation }, keys }: WatchedVertex): readonly string[] {
  return operation.kind === 'image' ? [operation.manifest] : keys.map(({ key }) => key);
}

/** By what the files are: a list of other files has another name. */
function nameOf({ content, seen }: KeyParts, number: number): Digest {
  return digestOf(canonicalJson([content ?? seen, number]));
}

function isEqual(step: JournalStep, former: JournalStep | undefined): boolean {
  if (former?.result !== step.result || step.keys.length !== former.keys.length) return false;
  const hasSameKeys = step.keys.every((key, place) => key === former.keys[place]);
  return hasSameKeys && step.stage === former.stage && step.text === former.text;
}
