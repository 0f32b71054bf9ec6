import type { Store } from '../../store/store.js';
import type { BuildRequest } from '../build-request.js';
import type { Vertex, VertexId } from '../graph.js';
import type { JointGraph } from '../joint/join-graphs.js';
import type { Operation } from '../operation.js';
import type { Result } from '../operations/result.js';
import type { ProgressSink } from '../progress.js';
import type { KeyMaterial, SolveWatch } from '../solver/operation-handler.js';
import { BuildWatch } from './build-watch.js';

export interface JointWatchOptions {
  readonly store: Pick<Store, 'records'>;
  readonly progress: ProgressSink;
}

/** One of the builds that are followed together. */
export interface WatchedBuild {
  readonly request: BuildRequest;
  /** In the joint graph. */
  readonly target: VertexId;
}

/** Follows builds that are solved as one: each keeps a journal of its own, and what they have in common is told of once. */
export class JointWatch implements SolveWatch<Operation, Result> {
  readonly #joint: JointGraph;
  readonly #watches: readonly BuildWatch[];
  readonly #progress: ProgressSink;
  readonly #hasDetails: boolean;

  private constructor(
    joint: JointGraph,
    watches: readonly BuildWatch[],
    { progress, hasDetails }: { readonly progress: ProgressSink; readonly hasDetails: boolean },
  ) {
    this.#joint = joint;
    this.#watches = watches;
    this.#progress = progress;
    this.#hasDetails = hasDetails;
  }

  static async open(
    joint: JointGraph,
    builds: readonly WatchedBuild[],
    { store, progress }: JointWatchOptions,
  ): Promise<JointWatch> {
    const { vertices } = joint.graph;
    const opened = builds.map(({ request, target }) => BuildWatch.open({ target, vertices }, { store, request }));
    const hasDetails = builds.some(({ request }) => request.details === true);
    if (hasDetails) {
      const { drawnGraph } = await import('../drawn-graph.js');
      progress({ type: 'graph', graph: drawnGraph(joint.graph) });
    }
    return new JointWatch(joint, await Promise.all(opened), { progress, hasDetails });
  }

  async missed(
    vertex: Vertex<Operation>,
    keys: readonly KeyMaterial[],
    outcome: { readonly mayLoad: boolean },
  ): Promise<void> {
    const told = [];
    for (const watch of this.#of(vertex)) told.push(await watch.missed(vertex, keys, outcome));
    const changes = told.find((one) => one !== undefined);
    if (changes !== undefined) this.#progress({ type: 'step-explained', step: vertex.id, changes });
  }

  resolved(vertex: Vertex<Operation>, keys: readonly KeyMaterial[], result: Result): void {
    for (const watch of this.#of(vertex)) watch.resolved(vertex, keys, result);
    if (this.#hasDetails) this.#tellLayers(vertex, result);
  }

  /** As of `BuildWatch`. */
  async save(ended: { readonly isDone: boolean }): Promise<void> {
    for (const watch of this.#watches) await watch.save(ended);
  }

  #of({ id }: Vertex<Operation>): readonly BuildWatch[] {
    return (this.#joint.membersOf.get(id) ?? []).flatMap((number) => this.#watches[number] ?? []);
  }

  #tellLayers({ id, operation, inputs }: Vertex<Operation>, result: Result): void {
    if (result.kind !== 'file-system' || operation.kind === 'scratch') return;
    // A step adds the last one, but for a base image, which has all of its own.
    const added = inputs.length === 0 ? result.layers : result.layers.slice(-1);
    const layers = added.map(({ diffId, descriptor }) => ({ digest: diffId, size: descriptor.size }));
    this.#progress({ type: 'step-layers', step: id, layers });
  }
}
