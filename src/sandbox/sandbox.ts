import type { Writable } from 'node:stream';
import type { Attachment } from './attachment.js';
import type { RunSpec } from './run-spec.js';

export interface RunIo {
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Ends the process and everything it started; `run` then rejects with `ABORTED`. */
  readonly signal: AbortSignal;
  /** Absent: nobody is there, and there is nothing to read. A sandbox that is not `attachable` refuses it. */
  readonly attachment?: Attachment | undefined;
}

export type RunResult = (
  | { readonly outcome: 'exited'; readonly exitCode: number }
  | { readonly outcome: 'killed'; readonly signal: NodeJS.Signals }
) & {
  /** The kernel has killed a process of it that wanted more memory than the step's allowance. */
  readonly outOfMemory?: true;
};

/** From the strongest to the weakest; `oci` and `bwrap` are programs of others that may not be installed. */
export type IsolationName = 'namespaces' | 'oci' | 'bwrap' | 'chroot';

/** Runs one process apart from the rest of the host. Knows no image and no Dockerfile. */
export interface Sandbox {
  readonly name: IsolationName;
  /** Whether an overlay root file system can be mounted here; without, only `directory` ones are accepted. */
  readonly overlay: boolean;
  /** Whether layers of an overlay can be mounted from their tars (`LayerImage`). Absent: directories only. */
  readonly images?: boolean;
  /** Whether a program can be given input, orders and a terminal. Absent: it cannot. */
  readonly attachable?: boolean;
  /** Whether it can register emulators for its steps, so that the machine need not. Absent: it cannot. */
  readonly emulates?: boolean;
  /** What is not isolated, in one plain sentence for the user, or `null` when all is. */
  readonly notice: string | null;
  /**
   * Resolves with how the process ended, after all processes it started are gone and nothing is left mounted.
   * Mount points that had to be made in the root file system are removed again.
   * @throws `SANDBOX_FAILED` when the process could not be started; `ABORTED`
   */
  run(spec: RunSpec, io: RunIo): Promise<RunResult>;
  [Symbol.asyncDispose](): Promise<void>;
}
