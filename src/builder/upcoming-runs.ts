import type { BuildGraph } from './graph.js';
import type { Operation } from './operation.js';
import type { ProgressSink } from './progress.js';

/** Counts the RUN steps of a build that have neither begun nor been found in the cache, by listening to its events. */
export class UpcomingRuns {
  readonly progress: ProgressSink;
  readonly #runs: Set<string>;

  constructor(graph: BuildGraph<Operation>, progress: ProgressSink) {
    const runs = [...graph.vertices.values()].filter(({ operation }) => operation.kind === 'run');
    this.#runs = new Set(runs.map(({ id }) => id));
    this.progress = (event) => {
      if (event.type === 'step-started' || event.type === 'step-cached') this.#runs.delete(event.step);
      progress(event);
    };
  }

  get count(): number {
    return this.#runs.size;
  }
}
