import type { ErrorRecord } from '../support/errors.js';
import type { RunSpec } from './run-spec.js';

/** Descriptors of a chroot worker beside its own: those of the step. */
export const CHROOT_STDIO = { stdin: 0, stdout: 4, stderr: 5 } as const;

export interface ChrootJob {
  readonly spec: Pick<RunSpec, 'argv' | 'env' | 'cwd' | 'user' | 'limits'>;
  /** The root file system's directory. */
  readonly root: string;
  /** For seccomp(2). */
  readonly filter: Uint8Array;
}

export type ChrootMessage =
  | { readonly type: 'started' }
  | { readonly type: 'ended'; readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }
  /** There was no such program, as a shell would say it. */
  | { readonly type: 'refused'; readonly exitCode: number; readonly message: string }
  | { readonly type: 'failed'; readonly error: ErrorRecord };
