import type { RunMount } from '../../operation.js';
import type { OperationContext } from '../../solver/operation-handler.js';
import type { OperationParts } from '../operation-parts.js';
import type { RunStep } from './run-step.js';

/** Takes something for the time of the step. */
export type Keep = <T extends AsyncDisposable | Disposable>(resource: T) => T;

/** What making a mount takes. */
export interface Provision {
  readonly parts: OperationParts;
  readonly step: RunStep;
  readonly context: OperationContext;
  readonly keep: Keep;
  /** Directories of the cache mounts. */
  readonly caches: ReadonlyMap<RunMount, string>;
}
