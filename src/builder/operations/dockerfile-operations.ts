import type { Vertex } from '../graph.js';
import type { Operation } from '../operation.js';
import { invariant } from '../../support/invariant.js';
import { locatingAll } from '../locating.js';
import type {
  ExecutionContext,
  KeyMaterial,
  OperationContext,
  OperationHandler,
  Present,
} from '../solver/operation-handler.js';
import { copyKeys } from './copy/copy-keys.js';
import type { CopyStep } from './copy/copy-sources.js';
import { keyMaterial } from './key-material.js';
import type { OperationParts } from './operation-parts.js';
import { runKeys } from './run/run-keys.js';
import { fileSystemOf, resultChainId, type Result } from './result.js';
import { keyedTimes } from './step-time.js';

/** How the operations of a Dockerfile are keyed and done. */
export class DockerfileOperations implements OperationHandler<Operation, Result> {
  readonly #parts: OperationParts;

  constructor(parts: OperationParts) {
    this.#parts = parts;
  }

  async present({ id, operation }: Vertex<Operation>): Promise<Present<Result> | undefined> {
    if (operation.kind === 'scratch') return { result: { kind: 'file-system', layers: [] }, deferred: false };
    if (operation.kind === 'image') return await this.#parts.presentImage(operation, id);
    return undefined;
  }

  async *keys(
    vertex: Vertex<Operation>,
    inputs: readonly Result[],
    context: OperationContext,
  ): AsyncGenerator<KeyMaterial> {
    const { operation } = vertex;
    if (operation.kind === 'copy') {
      yield* copyKeys(this.#parts, copyStep(vertex, inputs), context);
    } else if (operation.kind === 'run') {
      yield* runKeys(this.#parts, { vertex, operation, root: fileSystemOf(inputs[0]), inputs }, context);
    } else if (operation.kind === 'workdir') {
      const parent = resultChainId(fileSystemOf(inputs[0]));
      yield keyMaterial({ operation, parent, epoch: keyedTimes(this.#parts) });
    } else if (operation.kind === 'squash') {
      const [parent, result] = inputs.map((input) => resultChainId(fileSystemOf(input)));
      yield keyMaterial({ operation, parent, result, epoch: keyedTimes(this.#parts) });
    }
  }

  async execute(vertex: Vertex<Operation>, inputs: readonly Result[], context: ExecutionContext): Promise<Result> {
    const { operation } = vertex;
    switch (operation.kind) {
      case 'scratch':
      case 'image':
      case 'linked':
        throw new Error(`internal error: ${operation.kind} is always present`);
      case 'context':
        return this.#parts.openContext(operation);
      case 'http':
      case 'git':
        return locatingAll(vertex, () => this.#parts.fetchTree(operation, vertex.id, context));
      // Loaded when there is something to do: a build that is all cache needs none of it.
      case 'run': {
        const { executeRun } = await import('./run-operation.js');
        return executeRun(this.#parts, { vertex, operation, root: fileSystemOf(inputs[0]), inputs }, context);
      }
      case 'workdir': {
        const { executeWorkdir } = await import('./workdir-operation.js');
        return executeWorkdir(this.#parts, { vertex, operation, root: fileSystemOf(inputs[0]) }, context);
      }
      case 'squash': {
        const { executeSquash } = await import('./squash-operation.js');
        const [base, result] = [fileSystemOf(inputs[0]), fileSystemOf(inputs[1])];
        return executeSquash(this.#parts, { vertex, base, result }, context);
      }
      case 'copy': {
        const { executeCopy } = await import('./copy/copy-operation.js');
        return executeCopy(this.#parts, copyStep(vertex, inputs), context);
      }
    }
  }
}

function copyStep(vertex: Vertex<Operation>, inputs: readonly Result[]): CopyStep {
  invariant(vertex.operation.kind === 'copy', 'the vertex is a copy');
  return { vertex, operation: vertex.operation, root: fileSystemOf(inputs[0]), inputs };
}
