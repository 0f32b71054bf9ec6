import { invariant } from '../../support/invariant.js';
import type { BuildGraph, Vertex, VertexId } from '../graph.js';

/**
 * The vertices that the targets need, each after its inputs, in a fixed order: depth first, inputs from left to right.
 * Iterative: a chain of thousands of steps must not exhaust the stack.
 */
export function dependencyOrder<O>(graph: BuildGraph<O>): readonly Vertex<O>[] {
  const order: Vertex<O>[] = [];
  const seen = new Set<VertexId>();
  const open: { readonly vertex: Vertex<O>; next: number }[] = [];
  const enter = (id: VertexId): void => {
    if (seen.has(id)) return;
    seen.add(id);
    const vertex = graph.vertices.get(id);
    invariant(vertex !== undefined, `the graph lacks vertex ${id}`);
    open.push({ vertex, next: 0 });
  };
  for (const target of [graph.target, ...(graph.moreTargets ?? [])]) {
    enter(target);
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const input = top.vertex.inputs[top.next];
      if (input === undefined) {
        order.push(top.vertex);
        open.pop();
      } else {
        top.next += 1;
        enter(input);
      }
    }
  }
  return order;
}
