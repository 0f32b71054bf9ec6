import { canonicalJson } from '../../oci/canonical-json.js';
import { digestOf } from '../../oci/digest.js';
import { invariant } from '../../support/invariant.js';
import type { BuildGraph, Vertex, VertexId } from '../graph.js';
import type { Operation } from '../operation.js';
import { vertexIdOf } from '../plan/graph-builder.js';
import { dependencyOrder } from '../solver/dependency-order.js';

export interface GraphMember {
  readonly graph: BuildGraph<Operation>;
  /** The root file system that other members may start from; absent: the graph's target. */
  readonly root?: VertexId | undefined;
  /** What of its build an operation depends on beyond what it says itself: work is the same only where this is equal, too. */
  readonly scopeOf: (operation: Operation) => unknown;
}

export interface JointGraph {
  readonly graph: BuildGraph<Operation>;
  /** Of each member, what its vertices are called in the joint graph; in dependency order. */
  readonly idsOf: readonly ReadonlyMap<VertexId, VertexId>[];
  /** Of each member, the numbers of those whose results it uses. */
  readonly linksOf: readonly (readonly number[])[];
  /** The numbers of the members that a vertex is of, ascending. */
  readonly membersOf: ReadonlyMap<VertexId, readonly number[]>;
}

/**
 * One graph of several: equal work of different builds is one vertex. Vertices of the first member keep their ids, and so do those
 * of the others that are no different from what was there before. A member may use the results of those before it.
 */
export function joinGraphs(members: readonly GraphMember[]): JointGraph {
  const vertices = new Map<VertexId, Vertex<Operation>>();
  const membersOf = new Map<VertexId, number[]>();
  const scopes = new ScopeNumbers();
  const idsOf: ReadonlyMap<VertexId, VertexId>[] = [];
  const linksOf = members.map(({ graph }) => linkedBuilds(graph));
  for (const [number, { graph, scopeOf }] of members.entries()) {
    const ids = new Map<VertexId, VertexId>();
    for (const vertex of dependencyOrder(graph)) {
      const { operation } = vertex;
      if (operation.kind === 'linked') {
        ids.set(vertex.id, rootOf(members[operation.build], idsOf[operation.build]));
        continue;
      }
      const inputs = vertex.inputs.map((input) => idIn(ids, input));
      const id = jointId(vertex, inputs, scopes.numberOf(operation, scopeOf(operation)));
      ids.set(vertex.id, id);
      vertices.set(id, merged(vertices.get(id), { ...vertex, id, inputs }));
      membersOf.set(id, [...(membersOf.get(id) ?? []), number]);
    }
    idsOf.push(ids);
  }
  const [target, ...moreTargets] = members.map(({ graph }, number) => idIn(idsOf[number], graph.target));
  invariant(target !== undefined, 'there is something to build');
  return { graph: { target, moreTargets, vertices }, idsOf, linksOf, membersOf };
}

function linkedBuilds({ vertices }: BuildGraph<Operation>): readonly number[] {
  return [...vertices.values()].flatMap(({ operation }) => (operation.kind === 'linked' ? [operation.build] : []));
}

function rootOf(member: GraphMember | undefined, ids: ReadonlyMap<VertexId, VertexId> | undefined): VertexId {
  invariant(member !== undefined, 'a build that another one uses is before it');
  return idIn(ids, member.root ?? member.graph.target);
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

function jointId(vertex: Vertex<Operation>, inputs: readonly VertexId[], scope: number): VertexId {
  const { operation } = vertex;
  if (scope === 0)
    return inputs.every((id, at) => id === vertex.inputs[at]) ? vertex.id : vertexIdOf(operation, inputs);
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
