import type { BuildGraph } from './graph.js';
import type { Operation } from './operation.js';
import type { DrawnGraph } from './progress.js';
import { dependencyOrder } from './solver/dependency-order.js';

/** What of a graph can be drawn: what the target needs, each after its inputs. */
export function drawnGraph(graph: BuildGraph<Operation>): DrawnGraph {
  const vertices = dependencyOrder(graph).map(({ id, label, operation, stage, inputs }) => {
    return { step: id, label, kind: operation.kind, stage, inputs };
  });
  return { target: graph.target, vertices };
}
