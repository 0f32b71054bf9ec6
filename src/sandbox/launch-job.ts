import type { ErrorRecord } from '../support/errors.js';
import type { TerminalSize } from '../support/pseudo-terminal.js';
import type { OverlayMethod } from './mounts/root-file-system.js';
import type { Stub } from './mounts/rooted.js';
import type { NetworkFiles } from './network-files.js';
import type { RunSpec } from './run-spec.js';

/** What every launch worker is told at its start. */
export interface LaunchSetting {
  /** Has `root`, `parts` and `files`, empty directories to mount on, and `init`, the program that is process 1. */
  readonly directory: string;
  /** For seccomp(2). */
  readonly filter: Uint8Array;
}

/** And what each of them is told beside. */
export interface LaunchData extends LaunchSetting {
  /** Everything in the thread's pid namespace lives as long as the other end of this pipe is open. */
  readonly control: number;
}

/** Descriptors are the process's, open, and stay the sender's: the worker closes none of them. */
export interface RunJob {
  readonly kind: 'run';
  readonly spec: RunSpec;
  readonly network: NetworkFiles;
  readonly overlay: OverlayMethod | null;
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
  /** A terminal of this size in the place of the three. */
  readonly terminal?: TerminalSize | undefined;
}

/** Tries what a step needs, in a namespace that is then thrown away. */
export interface ProbeJob {
  readonly kind: 'probe';
  readonly userxattr: boolean;
  /** Empty directories for an overlay, on the file system that the real ones will be on. */
  readonly overlayDirectory: string;
}

export type LaunchJob = RunJob | ProbeJob;

export type LaunchMessage =
  /** The first message. `thread` is the kernel's id of the worker, as in /proc/self/task. */
  | { readonly type: 'thread'; readonly thread: number }
  /** Waiting for a job. */
  | { readonly type: 'ready' }
  /** What was made in the root file system, to be removed once nothing is mounted any more. */
  | { readonly type: 'stubs'; readonly stubs: readonly Stub[] }
  /** A descriptor, which becomes the receiver's: the other end of the program's terminal. */
  | { readonly type: 'terminal'; readonly control: number }
  /** The program has its descriptors. */
  | { readonly type: 'started'; readonly pid: number }
  | { readonly type: 'ended'; readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }
  /** There was no such program, as a shell would say it. */
  | { readonly type: 'refused'; readonly exitCode: number; readonly message: string }
  | { readonly type: 'probed'; readonly overlay: OverlayMethod | null }
  | { readonly type: 'failed'; readonly error: ErrorRecord }
  /** The last message: process 1 is gone, and with it every process of the step. */
  | { readonly type: 'gone' };
