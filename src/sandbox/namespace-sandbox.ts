import { closeSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { decodeError, TsbuildError } from '../support/errors.js';
import type { LaunchJob, LaunchMessage, RunJob } from './launch-job.js';
import type { Launcher, LaunchThread } from './launcher.js';
import type { OverlayMethod } from './mounts/root-file-system.js';
import type { Stub } from './mounts/rooted.js';
import { removeStubs } from './mounts/stubs.js';
import { checkLimits } from './limits.js';
import { networkFiles } from './network-files.js';
import { OutputPipes } from './output-pipes.js';
import type { RunSpec } from './run-spec.js';
import type { Runtime } from './runtime/runtime.js';
import type { RunIo, RunResult, Sandbox } from './sandbox.js';
import { resultOf, throwIfAborted } from './step-end.js';

export interface NamespaceSandboxOptions {
  readonly launcher: Launcher;
  readonly overlayMethod: OverlayMethod | null;
  readonly upcoming: () => number;
  /** Removed with the sandbox. */
  readonly directory: string;
  /** Who starts the steps in it; `null`: this program does all by itself. */
  readonly runtime: Runtime | null;
}

const BWRAP_NOTICE =
  'steps are started by bubblewrap, in which no program gains rights: "sudo", "su" and file capabilities do not work in them';

/** Steps in namespaces of their own, with Docker's capabilities and seccomp rules: all of it in a thread of this process. */
export class NamespaceSandbox implements Sandbox {
  readonly name: 'namespaces' | 'oci' | 'bwrap';
  readonly notice: string | null;
  readonly overlay: boolean;
  readonly #options: NamespaceSandboxOptions;

  constructor(options: NamespaceSandboxOptions) {
    this.#options = options;
    const { runtime } = options;
    if (runtime === null) this.name = 'namespaces';
    else this.name = runtime.kind === 'bwrap' ? 'bwrap' : 'oci';
    this.notice = this.name === 'bwrap' ? BWRAP_NOTICE : null;
    this.overlay = options.overlayMethod !== null;
  }

  async run(spec: RunSpec, io: RunIo): Promise<RunResult> {
    const { launcher, overlayMethod, upcoming } = this.#options;
    throwIfAborted(spec, io.signal);
    checkLimits(spec.limits);
    if (spec.privileged && this.name === 'bwrap') throw refusedPrivileges();
    using step = new Step(io, () => {
      launcher.prepare(upcoming());
    });
    const job: RunJob = {
      kind: 'run',
      spec,
      network: networkFiles(spec),
      overlay: overlayMethod,
      stdin: step.stdin,
      stdout: step.output.stdout,
      stderr: step.output.stderr,
    };
    try {
      await step.live(launcher, job);
    } finally {
      removeStubs(step.stubs);
    }
    throwIfAborted(spec, io.signal);
    return await step.result();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.launcher[Symbol.asyncDispose]();
    await rm(this.#options.directory, { recursive: true, force: true });
  }
}

/** It covers parts of /proc, and lets nobody gain rights, whatever it is told. */
function refusedPrivileges(): TsbuildError {
  return new TsbuildError('SANDBOX_FAILED', 'cannot run the step: bubblewrap gives no step more rights than others', {
    hint: 'Run the build with --isolation namespaces or oci.',
  });
}

type End = Extract<LaunchMessage, { type: 'ended' | 'refused' | 'failed' }>;

/** One run, seen from outside: the descriptors it is given, and what is heard of it. */
class Step implements Disposable {
  readonly output: OutputPipes;
  readonly stdin: number;
  stubs: readonly Stub[] = [];
  readonly #io: RunIo;
  readonly #onStarted: () => void;
  #thread: LaunchThread | undefined;
  #end: End | undefined;

  constructor(io: RunIo, onStarted: () => void) {
    this.#io = io;
    this.#onStarted = onStarted;
    this.stdin = openSync('/dev/null', 'r');
    this.output = new OutputPipes(io);
    this.output.finished.catch(() => {
      this.stop();
    });
  }

  /** From start to end: afterwards nothing of it runs or is mounted. */
  async live(launcher: Launcher, job: LaunchJob): Promise<void> {
    const stop = (): void => {
      this.stop();
    };
    this.#io.signal.addEventListener('abort', stop, { once: true });
    try {
      await using thread = await launcher.take();
      this.#thread = thread;
      if (this.#io.signal.aborted) return;
      await thread.perform(job, (message) => {
        this.#hear(message);
      });
      this.output.closeWriters();
    } finally {
      this.#io.signal.removeEventListener('abort', stop);
    }
  }

  #hear(message: LaunchMessage): void {
    if (message.type === 'stubs') this.stubs = message.stubs;
    else if (message.type === 'started') {
      this.output.closeWriters();
      this.#onStarted();
    } else if (message.type === 'ended' || message.type === 'refused' || message.type === 'failed') {
      this.#end = message;
      this.stop();
    }
  }

  stop(): void {
    this.#thread?.stop();
  }

  /** How it ended, once its output has arrived. */
  async result(): Promise<RunResult> {
    const end = this.#end;
    if (end === undefined) throw new Error('internal error: a step ended without a word');
    if (end.type === 'failed') throw decodeError(end.error);
    await this.output.finished;
    return resultOf(end, this.#io);
  }

  [Symbol.dispose](): void {
    this.output[Symbol.dispose]();
    closeSync(this.stdin);
  }
}
