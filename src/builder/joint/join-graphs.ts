import { canonicalJson } from '../../oci/canonical-json.js';
import { digestOf } from '../../oci/digest.js';
import { invariant } from '../../support/invariant.js';
import type { BuildGraph, Vertex, VertexId } from '../graph.js';
import type { Operation } from '../operation.js';
import { vertexIdOf } from '../plan/graph-builder.js';
import { dependencyOrder } from '../solver/dependency-order.js';

export interface GraphMember {
  readonly graph: BuildGraph<Operation>;
  /** What of its build an operation depends on beyond what it says itself: work is the same only where this is equal, too. */
  readonly scopeOf: (operation: Operation) => unknown;
}

export interface JointGraph {
  readonly graph: BuildGraph<Operation>;
  /** Of each member, what its vertices are called in the joint graph; in dependency order. */
  readonly idsOf: readonly ReadonlyMap<VertexId, VertexId>[];
  /** The numbers of the members that a vertex is of, ascending. */
  readonly membersOf: ReadonlyMap<VertexId, readonly number[]>;
}

/**
 * One graph of several: equal work of different builds is one vertex. Vertices of the first member keep their ids, and so do those
 * of the others that are no different from what was there before.
 */
export function joinGraphs(members: readonly GraphMember[]): JointGraph {
  const vertices = new Map<VertexId, Vertex<Operation>>();
  const membersOf = new Map<VertexId, number[]>();
  const scopes = new ScopeNumbers();
  const idsOf = members.map(({ graph, scopeOf }, number) => {
    const ids = new Map<VertexId, VertexId>();
    for (const vertex of dependencyOrder(graph)) {
      const { operation } = vertex;
      const inputs = vertex.inputs.map((input) => idIn(ids, input));
      const id = jointId(operation, inputs, scopes.numberOf(operation, scopeOf(operation)));
      ids.set(vertex.id, id);
      vertices.set(id, merged(vertices.get(id), { ...vertex, id, inputs }));
      membersOf.set(id, [...(membersOf.get(id) ?? []), number]);
    }
    return ids;
  });
  const [target, ...moreTargets] = members.map(({ graph }, number) => idIn(idsOf[number], graph.target));
  invariant(target !== undefined, 'there is something to build');
  return { graph: { target, moreTargets, vertices }, idsOf, membersOf };
}

/** What a member's vertex is called in the joint graph. */
export function idIn(ids: ReadonlyMap<VertexId, VertexId> | undefined, id: VertexId): VertexId {
  const joint = ids?.get(id);
  invariant(joint !== undefined, `the joint graph lacks vertex ${id}`);
  return joint;
}

/** The first one's label and place stay; it is done anew if either is to be. */
function merged(known: Vertex<Operation> | undefined, vertex: Vertex<Operation>): Vertex<Operation> {
  if (known === undefined) return vertex;
  return vertex.fresh === true ? { ...known, fresh: true } : known;
}

function jointId(operation: Operation, inputs: readonly VertexId[], scope: number): VertexId {
  if (scope === 0) return vertexIdOf(operation, inputs);
  return digestOf(canonicalJson({ operation, inputs, scope })) as VertexId;
}

/**
 * Numbers the scopes of each kind of operation in the order they come up. What a scope holds may be secret and ids are shown: no id
 * is made of more of it than the number.
 */
class ScopeNumbers {
  readonly #known = new Map<Operation['kind'], Map<string, number>>();

  numberOf({ kind }: Operation, scope: unknown): number {
    const known = this.#known.get(kind) ?? new Map<string, number>();
    this.#known.set(kind, known);
    const key = canonicalJson(scope);
    const number = known.get(key) ?? known.size;
    known.set(key, number);
    return number;
  }
}
