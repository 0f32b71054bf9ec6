import { rm } from 'node:fs/promises';
import { decodeError, systemErrorCode } from '../support/errors.js';
import type { ProgramOrder } from './attachment.js';
import type { LaunchJob, LaunchMessage, RunJob } from './launch-job.js';
import type { Launcher, LaunchThread } from './launcher.js';
import type { OverlayMethod } from './mounts/root-file-system.js';
import type { Stub } from './mounts/rooted.js';
import { removeStubs } from './mounts/stubs.js';
import { checkLimits } from './limits.js';
import { networkFiles } from './network-files.js';
import { OutputPipes } from './output-pipes.js';
import type { RunSpec } from './run-spec.js';
import type { RunIo, RunResult, Sandbox } from './sandbox.js';
import { resultOf, throwIfAborted } from './step-end.js';
import { StepInput } from './step-input.js';
import { StepTerminal } from './step-terminal.js';

export interface NamespaceSandboxOptions {
  readonly launcher: Launcher;
  readonly overlayMethod: OverlayMethod | null;
  readonly upcoming: () => number;
  /** Removed with the sandbox. */
  readonly directory: string;
}

/** Steps in namespaces of their own, with Docker's capabilities and seccomp rules: all of it in a thread of this process. */
export class NamespaceSandbox implements Sandbox {
  readonly name = 'namespaces';
  readonly notice = null;
  readonly attachable = true;
  readonly overlay: boolean;
  readonly #options: NamespaceSandboxOptions;

  constructor(options: NamespaceSandboxOptions) {
    this.#options = options;
    this.overlay = options.overlayMethod !== null;
  }

  async run(spec: RunSpec, io: RunIo): Promise<RunResult> {
    const { launcher, overlayMethod, upcoming } = this.#options;
    throwIfAborted(spec, io.signal);
    checkLimits(spec.limits);
    using step = new Step(io, () => {
      launcher.prepare(upcoming());
    });
    const job: RunJob = {
      kind: 'run',
      spec,
      network: networkFiles(spec),
      overlay: overlayMethod,
      stdin: step.input.descriptor,
      stdout: step.output.stdout,
      stderr: step.output.stderr,
      terminal: io.attachment?.terminal,
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

type End = Extract<LaunchMessage, { type: 'ended' | 'refused' | 'failed' }>;

/** One run, seen from outside: the descriptors it is given, and what is heard of it. */
class Step implements Disposable {
  readonly output: OutputPipes;
  readonly input: StepInput;
  stubs: readonly Stub[] = [];
  readonly #io: RunIo;
  readonly #onStarted: () => void;
  #thread: LaunchThread | undefined;
  #terminal: StepTerminal | undefined;
  readonly #orders: Disposable | undefined;
  /** Orders from before it was known whom to give them to: its first output may be seen earlier than word of its start. */
  #early: ProgramOrder[] = [];
  #program: number | undefined;
  #end: End | undefined;

  constructor(io: RunIo, onStarted: () => void) {
    this.#io = io;
    this.#onStarted = onStarted;
    const { stdin, terminal } = io.attachment ?? {};
    this.input = new StepInput(terminal === undefined ? stdin : undefined);
    this.#orders = io.attachment?.listen((order) => {
      this.#obey(order);
    });
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
    else if (message.type === 'terminal') this.#openTerminal(message.control);
    else if (message.type === 'started') {
      this.output.closeWriters();
      this.input.closeReader();
      this.#program = message.pid;
      for (const order of this.#early.splice(0)) this.#obey(order);
      this.#onStarted();
    } else if (message.type === 'ended' || message.type === 'refused' || message.type === 'failed') {
      this.#end = message;
      this.#orders?.[Symbol.dispose]();
      this.stop();
    }
  }

  #openTerminal(control: number): void {
    const { attachment, stdout } = this.#io;
    if (attachment === undefined) throw new Error('internal error: a terminal that nobody asked for');
    this.#terminal = new StepTerminal(control, attachment, stdout);
    this.#terminal.finished.catch(() => {
      this.stop();
    });
  }

  #obey(order: ProgramOrder): void {
    if (this.#program === undefined) this.#early.push(order);
    else if (order.type === 'resize') this.#terminal?.resize(order.size);
    else signalProgram(this.#program, order.signal);
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
    await this.#terminal?.finished;
    return resultOf(end, this.#io);
  }

  [Symbol.dispose](): void {
    this.#orders?.[Symbol.dispose]();
    this.output[Symbol.dispose]();
    this.input[Symbol.dispose]();
    this.#terminal?.[Symbol.dispose]();
  }
}

function signalProgram(pid: number, signal: NodeJS.Signals | number): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has ended, and we are about to hear of it.
    if (systemErrorCode(error) !== 'ESRCH') throw error;
  }
}
