import { invariant } from '../support/invariant.js';
import type { BuildGraph, VertexId } from './graph.js';
import type { Operation } from './operation.js';
import type { BuildPlan } from './plan.js';
import { vertexIdOf } from './plan/graph-builder.js';

const SQUASH: Operation = { kind: 'squash' };

/**
 * The plan of an image with the base image's layers and one more. Its history has all instructions, none of which has a layer, and
 * an entry for that one: as Docker's builder of old has it. A plan with one layer of its own, or none, stays as it is.
 */
export function squashed(plan: BuildPlan): BuildPlan {
  const { graph, image } = plan;
  const own = image.history.filter(({ empty_layer: empty }) => empty !== true).length;
  if (own < 2) return plan;
  const history = image.history.map((entry) => ({ ...entry, empty_layer: true }));
  const merged = { comment: `merge of ${own} layers`, created_by: 'squash' };
  return { ...plan, graph: withSquash(graph, own), image: { ...image, history: [...history, merged] } };
}

function withSquash({ target, vertices }: BuildGraph<Operation>, layers: number): BuildGraph<Operation> {
  const inputs = [baseOf(target, vertices), target];
  const id = vertexIdOf(SQUASH, inputs);
  const vertex = { id, operation: SQUASH, inputs, label: `[output] squash ${layers} layers into one` };
  return { target: id, vertices: new Map([...vertices, [id, vertex]]) };
}

/** The first input of a step is the root file system that it stands on. */
function baseOf(target: VertexId, vertices: BuildGraph<Operation>['vertices']): VertexId {
  for (let id = target; ;) {
    const vertex = vertices.get(id);
    invariant(vertex !== undefined, `vertex ${id} is not in its graph`);
    const [below] = vertex.inputs;
    if (below === undefined) return id;
    id = below;
  }
}
