import type { Snapshotter } from '../../layers/snapshotter.js';
import type { Store } from '../../store/store.js';
import type { Sandbox } from '../../sandbox/sandbox.js';
import type { ContextOperation, GitOperation, HttpOperation, ImageOperation } from '../operation.js';
import type { FileSystemResult, TreeResult } from './result.js';
import type { OperationContext } from '../solver/operation-handler.js';
import type { StepId } from '../progress.js';

/** What doing a step takes, beyond looking it up. Made when the first step has to be done: most builds need none of it. */
export interface Workshop {
  readonly snapshotter: Snapshotter;
  readonly sandbox: Sandbox;
}

/** What the operations work with. */
export interface OperationParts {
  readonly store: Pick<Store, 'blobs'>;
  readonly workshop: () => Promise<Workshop>;
  readonly openContext: (operation: ContextOperation) => Promise<TreeResult>;
  /** What is fetched from elsewhere: a URL, a git repository. */
  readonly fetchTree: (
    operation: HttpOperation | GitOperation,
    step: StepId,
    context: OperationContext,
  ) => Promise<TreeResult>;
  /** The base image's layers when its blobs are all here; nothing is fetched. */
  readonly presentImage: (operation: ImageOperation) => Promise<FileSystemResult | undefined>;
  readonly pullImage: (operation: ImageOperation, step: StepId, context: OperationContext) => Promise<FileSystemResult>;
  readonly platform: string;
  /** Seconds since 1970 for every time that goes into the image, or `undefined`: times are as they come. */
  readonly sourceDateEpoch: number | undefined;
  readonly proxyEnv: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Waits until a slow receiver of events has caught up. */
  readonly drain: () => Promise<void>;
}
