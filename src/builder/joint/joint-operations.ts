import type { Vertex, VertexId } from '../graph.js';
import type { Operation } from '../operation.js';
import type { DockerfileOperations } from '../operations/dockerfile-operations.js';
import type { Result } from '../operations/result.js';
import type { ExecutionContext, OperationContext, OperationHandler, Present } from '../solver/operation-handler.js';

/** Has each vertex keyed and done as the build does that it is of. */
export class JointOperations implements OperationHandler<Operation, Result> {
  readonly #operationsOf: (id: VertexId) => DockerfileOperations;

  constructor(operationsOf: (id: VertexId) => DockerfileOperations) {
    this.#operationsOf = operationsOf;
  }

  present(vertex: Vertex<Operation>): Promise<Present<Result> | undefined> {
    return this.#operationsOf(vertex.id).present(vertex);
  }

  keys(
    vertex: Vertex<Operation>,
    inputs: readonly Result[],
    context: OperationContext,
  ): ReturnType<OperationHandler<Operation, Result>['keys']> {
    return this.#operationsOf(vertex.id).keys(vertex, inputs, context);
  }

  execute(vertex: Vertex<Operation>, inputs: readonly Result[], context: ExecutionContext): Promise<Result> {
    return this.#operationsOf(vertex.id).execute(vertex, inputs, context);
  }
}
