import type { Vertex } from '../../graph.js';
import type { Operation, RunOperation } from '../../operation.js';
import type { FileSystemResult, Result } from '../result.js';

export interface RunStep {
  readonly vertex: Vertex<Operation>;
  readonly operation: RunOperation;
  readonly root: FileSystemResult;
  /** The root file system again, then what the mounts take. */
  readonly inputs: readonly Result[];
}
