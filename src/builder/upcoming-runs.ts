import type { BuildGraph, VertexId } from './graph.js';
import type { Operation } from './operation.js';
import type { ProgressSink } from './progress.js';

/** Counts the RUN steps of a build that have neither begun nor been found in the cache, by listening to its events. */
export class UpcomingRuns {
  readonly progress: ProgressSink;
  readonly #runs: Set<string>;
  /** RUN steps that are neither done nor found in the cache. */
  readonly #left: Set<string>;
  readonly #graph: BuildGraph<Operation>;
  #users: ReadonlyMap<VertexId, readonly VertexId[]> | undefined;

  constructor(graph: BuildGraph<Operation>, progress: ProgressSink) {
    const runs = [...graph.vertices.values()].filter(({ operation }) => operation.kind === 'run');
    this.#graph = graph;
    this.#runs = new Set(runs.map(({ id }) => id));
    this.#left = new Set(this.#runs);
    this.progress = (event) => {
      if (event.type === 'step-started' || event.type === 'step-cached') this.#runs.delete(event.step);
      if (event.type === 'step-cached' || event.type === 'step-done') this.#left.delete(event.step);
      progress(event);
    };
  }

  /** Whether a RUN step that is not done yet has the root file system of a vertex below its own, or mounts it. */
  isRunUpon(vertex: VertexId): boolean {
    this.#users ??= usersOf(this.#graph);
    const seen = new Set<VertexId>([vertex]);
    for (const next of seen) {
      for (const user of this.#users.get(next) ?? []) {
        if (this.#left.has(user)) return true;
        seen.add(user);
      }
    }
    return false;
  }

  get count(): number {
    return this.#runs.size;
  }
}

/** Of each vertex, those that need its root file system unpacked when they run, or when something runs upon them. */
function usersOf({ vertices }: BuildGraph<Operation>): ReadonlyMap<VertexId, readonly VertexId[]> {
  const users = new Map<VertexId, VertexId[]>();
  for (const { id, operation, inputs } of vertices.values()) {
    const [root, ...mounted] = inputs;
    const below = operation.kind === 'run' ? [root, ...mounted] : [root];
    for (const input of below) {
      if (input === undefined) continue;
      const known = users.get(input);
      if (known === undefined) users.set(input, [id]);
      else known.push(id);
    }
  }
  return users;
}
